import sys

from kubernetes.cli import main

sys.exit(main())
