"""Argo CD's scripts, run as Argo CD runs them.

After util/lua/lua.go, util/lua/oslib_safe.go, util/settings/settings.go and server/application/application.go of
github.com/argoproj/argo-cd (of August 2026): Lua 5.1 with the base library and `table` only; `require("os")` gives
`date` and `time`; the object is the global `obj`; what an action returns is sent as a JSON merge patch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from lupa import lua51

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "resource.customizations"
#: What a script may answer as `status` (gitops-engine, pkg/health).
STATUSES = frozenset({"Unknown", "Progressing", "Suspended", "Healthy", "Degraded", "Missing"})

#: Takes away what Argo CD does not open. Only the C library of strings gives texts their methods.
_CONFINED = """
local date, time = os.date, os.time
debug.setmetatable("", nil)
string, math, io, os, debug, coroutine, python = nil, nil, nil, nil, nil, nil, nil
package.loaded, package.loaders = {}, {}
function require(name)
  if name ~= "os" then error("module " .. name .. " not found") end
  return {date = date, time = time}
end
"""


@dataclass(frozen=True)
class Health:
    """What Argo CD shows of an object."""

    status: str
    message: str


class Customizations:
    """The customizations in the data of an `argocd-cm`."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._health: dict[str, str] = {}
        self._actions: dict[str, Any] = {}
        for key, text in data.items():
            # resource.customizations.<type>.<group>_<kind>
            assert key.startswith(f"{PREFIX}."), key
            kind, _, place = key.removeprefix(f"{PREFIX}.").partition(".")
            assert kind in {"health", "actions"}, f"{key}: nothing else is needed, least of all useOpenLibs"
            assert place.count("_") == 1, place
            named = place.replace("_", "/")
            if kind == "health":
                self._health[named] = text
            else:
                self._actions[named] = yaml.safe_load(text)

    def health(self, body: Mapping[str, Any]) -> Health:
        """The health of an object whose kind has a script."""
        said = _run(self._health[_key(body)], body)
        assert said["status"] in STATUSES, said
        return Health(**said)

    def actions(self, body: Mapping[str, Any]) -> dict[str, bool]:
        """The actions in the object's menu, and whether each can be chosen."""
        found = _run(self._actions[_key(body)]["discovery.lua"], body)
        return {name: not each.get("disabled", False) for name, each in found.items()}

    def patch(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON merge patch that is sent when somebody chooses the action."""
        scripts = {each["name"]: each["action.lua"] for each in self._actions[_key(body)]["definitions"]}
        patch: dict[str, Any] = _merge_patch(body, _as_they_were(_run(scripts[action], body), body))
        return patch


def _key(body: Mapping[str, Any]) -> str:
    return f"{body['apiVersion'].partition('/')[0]}/{body['kind']}"


def _run(script: str, body: Mapping[str, Any]) -> Any:
    runtime = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    runtime.execute(_CONFINED)
    runtime.globals()["obj"] = _to_lua(runtime, json.loads(json.dumps(body)))
    return _from_lua(runtime.execute(script))


def _to_lua(runtime: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return runtime.table_from({key: _to_lua(runtime, each) for key, each in value.items()})
    if isinstance(value, list):
        return runtime.table_from([_to_lua(runtime, each) for each in value])
    return value


def _from_lua(value: Any) -> Any:
    """As gopher-json encodes it: a table is a list if its keys are numbers, or if it is empty."""
    if lua51.lua_type(value) != "table":
        return value
    items = {key: _from_lua(each) for key, each in value.items()}
    if all(isinstance(key, int) for key in items):
        assert sorted(items) == list(range(1, len(items) + 1)), "a sparse list cannot be encoded"
        return [items[place] for place in sorted(items)]
    assert all(isinstance(key, str) for key in items), "keys of two types cannot be encoded"
    return items


def _as_they_were(new: Any, old: Any) -> Any:
    """Empty mappings, which came out of Lua as empty lists, made mappings again where they had been."""
    if isinstance(old, dict) and new == []:
        return {}
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _as_they_were(each, old.get(key)) for key, each in new.items()}
    if isinstance(old, list) and isinstance(new, list):
        known = [*old, *[None] * len(new)]
        return [_as_they_were(each, known[place]) for place, each in enumerate(new)]
    return new


def _merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What leads from one to the other (RFC 7396)."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, each in new.items():
        was = old.get(key)
        if isinstance(each, dict) and isinstance(was, dict):
            if below := _merge_patch(was, each):
                patch[key] = below
        elif key not in old or each != was:
            patch[key] = each
    return patch
