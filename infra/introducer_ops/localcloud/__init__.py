"""The local cloud: the real `template.yaml`, deployed on an AWS emulator on this machine.

    cloud = LocalCloud.start(Path(".local"))          # an emulator, ready, on loopback
    stack = cloud.deploy(Path("template.yaml"))     # the template, its functions running from the sources
    stack.http().get("/openapi.json")                 # the HTTP API
    stack.client("dynamodb")                          # any AWS client
    stack.clock.advance(86_400)                       # tomorrow, for every function
    cloud.stop()                                      # no process stays behind

`LocalCloud.attach(Path(".local"))` finds one that `introducer up` or `make run` started.
"""

from .clock import Clock
from .deploying import DeployError
from .process import CloudError, LocalCloud
from .stack import Mapping, Stack

__all__ = ["Clock", "CloudError", "DeployError", "LocalCloud", "Mapping", "Stack"]
