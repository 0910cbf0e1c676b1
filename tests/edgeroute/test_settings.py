"""Settings: where they come from, and what is refused at the start."""

import json
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from consumers.errors import Fatal
from consumers.totals.store import Store
from edgeroute.settings import (
    Edge,
    LimitSettings,
    PolicySettings,
    Redis,
    Settings,
    SettingsError,
    as_variables,
    child_environment,
    load,
    masked,
)

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable and no file of the machine may have a say."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ.keys() - child_environment({}).keys():
        monkeypatch.delenv(name)


def refusal(file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(file)
    said = str(caught.value)
    assert SECRET not in said
    assert "\n" not in said
    return said


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "given.toml"
    file.write_text(text)
    return file


def test_without_a_file_and_variables_the_defaults_hold() -> None:
    assert load().model_dump() == Settings().model_dump()


def test_a_file_is_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[policy]\nconfidence = 0.7\n")).policy.confidence == 0.7


def test_a_file_in_the_folder_is_found() -> None:
    Path("edgeroute.toml").write_text("[policy]\nconfidence = 0.6\n")
    assert load().policy.confidence == 0.6


def test_a_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "[policy]\nconfidence = 0.5\n")
    monkeypatch.setenv("EDGEROUTE_CONFIG", str(file))
    assert load().policy.confidence == 0.5


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEROUTE_POLICY__CONFIDENCE", "0.8")
    given = load(written(tmp_path, "[policy]\nconfidence = 0.7\ncomplexity = 0.6\n"))
    assert (given.policy.confidence, given.policy.complexity) == (0.8, 0.6)


def test_a_missing_file_is_refused() -> None:
    assert "There is no settings file" in refusal(Path("nope.toml"))


@pytest.mark.parametrize("text", ['[kafka]\npassword = "hunter2', "x = [", "hunter2"])
def test_a_file_that_is_no_toml_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    assert "is not TOML" in refusal(written(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal(file)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, '[kafka]\nbotstrap = "hunter2"\n'))
    assert "There is no setting kafka.botstrap" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EDGEROUTE_TYPO", "hunter2", "EDGEROUTE_TYPO sets nothing"),
        ("EDGEROUTE_KAFKA__TYPO", "hunter2", "There is no setting kafka.typo"),
        ("EDGEROUTE_KAFKA", "hunter2", "EDGEROUTE_KAFKA… cannot be read"),
        ("EDGEROUTE_EDGE__ROLES", "hunter2", "EDGEROUTE_EDGE… cannot be read"),
        ("EDGEROUTE_EDGE__ROLES", "[]", "edge.roles is wrong"),
        ("EDGEROUTE_LIMITS__ENGINES", "hunter2", "limits.engines is wrong"),
        ("EDGEROUTE_LIMITS__STOP_S", "inf", "limits.stop_s is wrong"),
        ("EDGEROUTE_LOG__LEVEL", "info", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("EDGEROUTE_PRICES__CLOUD", "nan", "prices.cloud is wrong"),
        ("EDGEROUTE_POLICY__CONFIDENCE", "1.1", "policy.confidence is wrong"),
        ("EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS", "hunter2:x", "HOST:PORT"),
        ("EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS", "", "HOST:PORT"),
        ("EDGEROUTE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL", "username and password"),
        ("EDGEROUTE_KAFKA__CA_FILE", "/dev/null", "PEM certificates"),
        ("EDGEROUTE_TOPICS__RESULTS", "transcripts", "a name of its own"),
        ("EDGEROUTE_TOPICS__RESULTS", "with space", "topics.results is wrong"),
        ("EDGEROUTE_REDIS__PREFIX", "a b", "redis.prefix is wrong"),
        ("EDGEROUTE_REDIS__URL", "redis://u:hu/hunter2@h:1/0", "redis.url is wrong"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert said in refusal()


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379/0",
        "rediss://u:p@h/1",
        "redis://:p%40ss@[::1]:6380",
        "unix:///run/redis.sock",
        "http://h:1/0",
        "redis://",
        "redis://h:x/0",
        "redis://h:99999/0",
        "redis://h/name",
        "redis://u:p/q@h:1/0",
        "redis://u:p#q@h:1/0",
        "redis://u:p?q@h:1/0",
        "",
        "localhost:6379",
    ],
)
def test_a_redis_url_is_accepted_exactly_where_the_store_accepts_it(url: str) -> None:
    try:
        Store(url)
    except Fatal:
        stored = False
    else:
        stored = True
    try:
        Redis(url=SecretStr(url))
    except ValueError:
        accepted = False
    else:
        accepted = True
    assert accepted == stored


@pytest.mark.parametrize("servers", ["a", "a:1", "a:1,b:2", "a:1, b:2", "[::1]:9092", "10.0.0.1"])
def test_servers_are_written_as_kafka_writes_them(
    monkeypatch: pytest.MonkeyPatch, servers: str
) -> None:
    monkeypatch.setenv("EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS", servers)
    assert load().kafka.bootstrap_servers == servers


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEROUTE_KAFKA__PASSWORD", SECRET)
    monkeypatch.setenv("EDGEROUTE_REDIS__URL", f"redis://u:{SECRET}@h:1/0")
    assert SECRET not in json.dumps(masked(load()))
    assert SECRET not in repr(load())


def test_settings_survive_the_way_through_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(
        bundle=Path("/b"),
        policy=PolicySettings(confidence=0.7, thresholds={"reflex": 0.8}, audit_rate=0.0),
        edge=Edge(roles=("customer", "agent"), provisional_results=False),
        limits=LimitSettings(engines=3),
        redis=Redis(url=SecretStr(f"redis://u:{SECRET}@h:1/0"), prefix="p"),
    )
    for name, value in as_variables(given).items():
        monkeypatch.setenv(name, value)
    assert load().model_dump() == given.model_dump()


def test_a_child_gets_none_of_our_variables_but_those_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGEROUTE_BUNDLE", "x")
    monkeypatch.setenv("OTHER", "y")
    environment = child_environment({"EDGEROUTE_LOG__LEVEL": "DEBUG"})
    assert "EDGEROUTE_BUNDLE" not in environment
    assert (environment["OTHER"], environment["EDGEROUTE_LOG__LEVEL"]) == ("y", "DEBUG")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("THRESHOLDS", '{"reflex": 0.8}'), ("THRESHOLDS__REFLEX", "0.8")],
)
def test_a_tier_s_threshold_is_set_by_a_table_or_a_variable_of_its_own(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"EDGEROUTE_POLICY__{variable}", value)
    assert load().policy.thresholds == {"reflex": 0.8}


def test_a_threshold_that_is_no_share_is_named() -> None:
    Path("edgeroute.toml").write_text("[policy.thresholds]\nreflex = 1.8\n")
    assert "policy.thresholds.reflex is wrong" in refusal()
