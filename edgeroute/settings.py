"""Settings, from a TOML file and the environment. The only module that reads the environment.

Precedence: an `EDGEROUTE_…` variable, then the file, then the default. Nested keys are joined by
two underscores: `EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS`.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX: Final = "EDGEROUTE_"
CONFIG_VARIABLE: Final = "EDGEROUTE_CONFIG"
DEFAULT_FILE: Final = Path("edgeroute.toml")

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
Delivery = Literal["auto", "exactly-once", "at-least-once"]


class SettingsError(Exception):
    """A setting is wrong; one sentence that names it."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(_Section):
    """Where the broker is and how we take part."""

    bootstrap_servers: str = "localhost:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    group_prefix: str = "edgeroute"
    delivery: Delivery = "auto"
    session_timeout_s: Seconds = 10.0
    transaction_timeout_s: Seconds = 15.0


class Topics(_Section):
    """Names of the topics, and how `edgeroute topics create` makes them."""

    transcripts: str = "transcripts"
    results: str = "results"
    escalations: str = "escalations"
    decisions: str = "decisions"
    dead_letters: str = "dead-letters"
    partitions: Count = 6
    replication: Count = 1


class Redis(_Section):
    """Where the monitor keeps its totals."""

    url: SecretStr = SecretStr("redis://localhost:6379/0")
    prefix: str = "edgeroute"


class PolicySettings(_Section):
    """When a message is escalated; what is not set is the bundle's, else the reference's."""

    name: Literal["bundle", "reference"] = "bundle"
    confidence: Share | None = None
    complexity: Share | None = None
    audit_rate: Share | None = None
    salt: str = "edgeroute"


class PriceSettings(_Section):
    """Dollars an inference."""

    edge: float = Field(default=0.001, ge=0)
    cloud: float = Field(default=0.0136, ge=0)


class Edge(_Section):
    """What the edge scores and writes."""

    roles: tuple[str, ...] = ("customer",)
    provisional_results: bool = True
    text_in_results: bool = False


class LimitSettings(_Section):
    """Bounds. Everything that waits is bounded by one of these."""

    text_characters: Count = 10_000
    dead_letter_bytes: Count = 900_000
    in_flight: Count = 1024
    batch_items: Count = 16
    batch_tokens: Count = 1024
    batch_wait_ms: float = Field(default=5.0, ge=0)
    commit_wait_ms: float = Field(default=100.0, ge=0)
    transaction_records: Count = 512
    engines: Count | None = None
    stop_s: Seconds = 20.0
    revoke_s: Seconds = 3.0


class Log(_Section):
    """What is logged. Message text never is."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    bundle: Path = Path("models/starter")
    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    redis: Redis = Redis()
    policy: PolicySettings = PolicySettings()
    prices: PriceSettings = PriceSettings()
    edge: Edge = Edge()
    limits: LimitSettings = LimitSettings()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no other source."""
        file = cls.model_config.get("toml_file")
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, file)) if file else sources


def load(file: Path | None = None) -> Settings:
    """Return the settings, or raise `SettingsError`.

    ``file`` is the TOML file; without it the one `EDGEROUTE_CONFIG` names, else `edgeroute.toml`
    here if there is one.
    """
    chosen = _chosen(file)
    _refuse_unknown_variables()

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=chosen)

    try:
        return FromFile()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen} is not TOML: {error}.") from None
    except ValidationError as error:
        raise SettingsError(_sentence(error, chosen)) from None


def masked(settings: Settings) -> dict[str, Any]:
    """Return the effective settings as plain JSON values, secrets masked."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    return values


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """Return this process's environment without our own variables, with ``changes`` applied."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | changes


def _chosen(file: Path | None) -> Path | None:
    named = file or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"There is no settings file {named}: check --config or the path in it.")
    return named or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def _refuse_unknown_variables() -> None:
    """A misspelt variable must not be ignored: somebody thinks that it holds."""
    known = {name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        section = variable.removeprefix(PREFIX).split("__")[0].upper()
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and section not in known:
            raise SettingsError(
                f"The variable {variable} sets nothing: `edgeroute config` lists what can be set."
            )


def _sentence(error: ValidationError, file: Path | None) -> str:
    """Name the first wrong setting; its value may be a secret and stays out."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    where = f" (from {file} or a variable {PREFIX}…)" if file else f" (from a variable {PREFIX}…)"
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name}{where}: `edgeroute config` lists what can be set."
    return f"The setting {name} is wrong{where}: {first['msg'].lower()}."
