import json
import sys

if sys.argv[1:] == ["demo_logins", "--json"]:
    print(json.dumps([{"username": "ann", "password": "ann-demo", "role": "member"}]))
