"""A service that still holds what this tool made, and that lists a price: what the money commands are tried on."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import BaseModel

from automl_bridge.backend import Backend, Resource
from automl_bridge.capabilities import Capabilities
from automl_bridge.costs.local import LOCAL_SKU, LOCAL_UNIT
from automl_bridge.costs.prices import Price
from automl_bridge.costs.usage import Usage, UsageItem
from automl_bridge.errors import CredentialsError, RejectedError

DAY = Usage(items=(UsageItem(sku=LOCAL_SKU, quantity=24, unit=LOCAL_UNIT, part="hosting"),))


class Settings(BaseModel):
    """None."""


class LeftoverBackend(Backend):
    """Lists and deletes; the class remembers, as a service would."""

    name: ClassVar[str] = "leftover"
    settings_class: ClassVar[type[BaseModel]] = Settings
    capabilities: ClassVar[Capabilities] = Capabilities(tasks={})
    provider: ClassVar[str | None] = "acme"
    gone: ClassVar[set[str]] = set()
    usd: ClassVar[float | None] = 2.0

    def resources(self):
        things = {
            "ab-old": ("endpoint", DAY), "ab-stuck": ("endpoint", DAY), "ab-m": ("model", Usage()),
            "ab-x": ("mystery", Usage(known=False)),
        }  # fmt: skip
        return [
            Resource(
                backend=self.name,
                kind=kind,
                name=name,
                usage_per_day=usage,
                since="2026-01-01T00:00:00Z",
                run="ab-000000000000",
            )
            for name, (kind, usage) in things.items()
            if name not in self.gone
        ]

    def list_prices(self):
        if self.usd is None:
            raise CredentialsError("the token has expired")
        yield Price(
            provider="acme", service="Train", sku="big", region="eu", unit="hour", usd=self.usd,
            source_url="https://a.example/p", source_date=date(2026, 5, 1), confidence="high",
        )  # fmt: skip

    def delete(self, resource):
        if resource.name == "ab-stuck":
            raise RejectedError("it is protected")
        self.gone.add(resource.name)

    def check(self): ...
    def plan(self, spec): ...
    def stage(self, plan, dataset): ...
    def submit(self, plan, staged): ...
    def find(self, plan): ...
    def poll(self, jobs): ...
    def cancel(self, job): ...
    def collect(self, job): ...
