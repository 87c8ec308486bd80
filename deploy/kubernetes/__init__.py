"""What the `make k8s-*` targets do: build, deploy and look after the stack on any cluster that kubectl reaches.

`target` is the cluster, `images` what it runs, `secret_files` and `overlay` what is generated for it, `deploy` applies
that, `progress` waits and explains, `removal` takes away what is no longer needed, `database` backs up and restores.
"""
