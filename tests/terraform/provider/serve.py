"""A stand-in for the google providers and time's: their real schemas, and made-up answers where Google's would come.

Terraform talks to it as to any provider (protocol 6, https://developer.hashicorp.com/terraform/plugin), over a Unix
socket that `TF_REATTACH_PROVIDERS` names; so `init`, `validate`, `plan`, `apply` and `test` are Terraform's own.
Run by the Python that has the packages of requirements.txt, with a line of JSON as its input: `cache`, `foresee`, and
`providers`, by name, each with its `archive` and the `names` of its types. With `foresee` a plan holds already what is
otherwise known only after apply.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import msgpack
from facts import Google, as_answered, with_additions
from schema import schemas
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

UNKNOWN = msgpack.ExtType(0, b"\0")
NESTING = {"list": 2, "set": 3, "single": 1}
# `Schema.Attribute.write_only`, which the generated messages do not have yet: field 11, true.
WRITE_ONLY = b"\x58\x01"
PROJECT_NUMBER = "123456789012"


def attribute(name: str, spec: dict[str, Any]) -> pb.Schema.Attribute:
    flags = {key: spec[key] for key in ("computed", "optional", "required")}
    made = pb.Schema.Attribute(name=name, type=json.dumps(spec["type"]).encode(), **flags)
    if name.endswith("_wo"):
        made = pb.Schema.Attribute.FromString(made.SerializeToString() + WRITE_ONLY)
    return made


def block(spec: dict[str, Any]) -> pb.Schema.Block:
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=block(inner),
            nesting=NESTING[inner["nesting"]],
            min_items=inner["min"],
            max_items=inner["max"],
        )
        for name, inner in spec["blocks"].items()
    ]
    return pb.Schema.Block(attributes=[attribute(*each) for each in spec["attributes"].items()], block_types=nested)


def schema(spec: dict[str, Any]) -> pb.Schema:
    return pb.Schema(version=0, block=block(spec))


def read(value: pb.DynamicValue) -> Any:
    if value.json:
        return json.loads(value.json)
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False) if value.msgpack else None


def write(value: Any) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def planned(spec: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What will be known after apply, marked so."""
    made = dict(value)
    for name, each in spec["attributes"].items():
        if made.get(name) is None and each["computed"]:
            made[name] = UNKNOWN
        if name.endswith("_wo"):
            made[name] = None
    for name, inner in spec["blocks"].items():
        if isinstance(held := made.get(name), list):
            made[name] = [planned(inner, item) for item in held]
        elif isinstance(held, dict):
            made[name] = planned(inner, held)
    return made


def made_up(kind: Any, name: str, root: dict[str, Any]) -> Any:
    if kind == "number":
        return 1
    if kind == "bool":
        return False
    if kind != "string":
        return {} if kind[0] in ("map", "object") else []
    given = [root.get(key) for key in ("name", "account_id", "role_id", "secret_id", "bucket")]
    own = next((each for each in given if isinstance(each, str)), "made-up").rpartition("/")[2]
    project = root.get("project") if isinstance(root.get("project"), str) else "made-up"
    return {
        "email": f"{own}@{project}.iam.gserviceaccount.com",
        "email_address": f"service-{PROJECT_NUMBER}@gs-project-accounts.iam.gserviceaccount.com",
        "id": f"made-up/{own}",
        "name": f"projects/{project}/made-up/{own}",
        "number": PROJECT_NUMBER,
        "uri": f"https://{own}-made-up.a.run.app",
    }.get(name, f"made-up-{name}")


def applied(spec: dict[str, Any], value: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Everything that was to be known after apply, made up."""
    made = dict(value)
    for name, each in spec["attributes"].items():
        if made.get(name) == UNKNOWN or (made.get(name) is None and each["computed"] and not name.endswith("_wo")):
            made[name] = made_up(each["type"], name, root)
    for name, inner in spec["blocks"].items():
        if isinstance(held := made.get(name), list):
            made[name] = [applied(inner, item, root) for item in held]
        elif isinstance(held, dict):
            made[name] = applied(inner, held, root)
    return made


class Provider(rpc.ProviderServicer):
    def __init__(self, known: dict[str, dict[str, Any]], foresee: bool, google: Google) -> None:
        self.foresee = foresee
        self.google = google
        self.own = known.pop("provider")
        self.sources = {name.removeprefix("data."): spec for name, spec in known.items() if name.startswith("data.")}
        self.resources = {name: spec for name, spec in known.items() if not name.startswith("data.")}

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return pb.GetProviderSchema.Response(
            provider=schema(self.own),
            resource_schemas={name: schema(spec) for name, spec in self.resources.items()},
            data_source_schemas={name: schema(spec) for name, spec in self.sources.items()},
            server_capabilities=pb.ServerCapabilities(plan_destroy=False),
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        state = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=write(state))

    def ReadResource(self, request: Any, context: Any) -> Any:
        state = read(request.current_state)
        return pb.ReadResource.Response(new_state=write(state and as_answered(request.type_name, state)))

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        proposed = read(request.proposed_new_state)
        if proposed is not None:
            spec = self.resources[request.type_name]
            proposed = planned(spec, proposed)
            if self.foresee:
                proposed = applied(spec, proposed, proposed)
        return pb.PlanResourceChange.Response(planned_state=write(proposed))

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        state = read(request.planned_state)
        if state is not None:
            state = applied(self.resources[request.type_name], state, state)
            try:
                self.google.apply(request.type_name, state)
            except ValueError as refusal:
                said = pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=str(refusal))
                return pb.ApplyResourceChange.Response(new_state=request.prior_state, diagnostics=[said])
            if request.type_name == "time_sleep":
                self.google.settle()
        return pb.ApplyResourceChange.Response(new_state=write(state))

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        spec = self.resources[request.type_name]
        empty = dict.fromkeys(spec["attributes"]) | {
            name: None if inner["nesting"] == "single" else [] for name, inner in spec["blocks"].items()
        }
        state = applied(spec, empty, empty) | {"id": request.id, "project": request.id.split("/")[1]}
        imported = pb.ImportResourceState.ImportedResource(type_name=request.type_name, state=write(state))
        return pb.ImportResourceState.Response(imported_resources=[imported])

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        config = read(request.config)
        if request.type_name == "google_storage_project_service_account":
            self.google.create_agent("storage.googleapis.com")
        return pb.ReadDataSource.Response(state=write(applied(self.sources[request.type_name], config, config)))

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()


def serve(provider: rpc.ProviderServicer, socket: str) -> tuple[grpc.Server, dict[str, Any]]:
    """Returns the server and its entry in `TF_REATTACH_PROVIDERS`."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=40))
    rpc.add_ProviderServicer_to_server(provider, server)
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    address = {"Network": "unix", "String": socket}
    return server, {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}


def main() -> None:
    config = json.loads(sys.stdin.readline())
    google = Google()
    with tempfile.TemporaryDirectory(prefix="clipwise-") as folder:
        servers, reattach = [], {}
        for name, each in config["providers"].items():
            cache = Path(config["cache"]) / name
            known = schemas(Path(each["archive"]), cache, name, {"provider", *each["names"]})
            known = {type_name: with_additions(name, type_name, spec) for type_name, spec in known.items()}
            server, entry = serve(Provider(known, config["foresee"], google), f"{folder}/{name}")
            servers.append(server)
            reattach[f"registry.terraform.io/hashicorp/{name}"] = entry
        print(json.dumps(reattach), flush=True)
        sys.stdin.read()  # until whoever started this goes


if __name__ == "__main__":
    main()
