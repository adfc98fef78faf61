"""Descriptions of settings as messages of the contracts."""

from collections.abc import Iterable, Mapping

from tunesmith.services.settings import SettingDescription, SettingType
from tunesmith.study import wire
from tunesmith.v1 import types_pb2

_SETTING_TYPE: Mapping[SettingType, types_pb2.SettingType.ValueType] = {
    SettingType.DOUBLE: types_pb2.SETTING_TYPE_DOUBLE,
    SettingType.INT: types_pb2.SETTING_TYPE_INT,
    SettingType.STRING: types_pb2.SETTING_TYPE_STRING,
    SettingType.BOOL: types_pb2.SETTING_TYPE_BOOL,
}


def setting_to_proto(setting: SettingDescription) -> types_pb2.SettingDescription:
    """Write what a setting is."""
    return types_pb2.SettingDescription(
        name=setting.name,
        type=_SETTING_TYPE[setting.type],
        default_value=None if setting.default is None else wire.value_to_proto(setting.default),
        min=setting.min,
        max=setting.max,
        choices=setting.choices,
        meaning=setting.meaning + _also(setting.aliases),
    )


def _also(aliases: Iterable[str]) -> str:
    """Tell of a setting's other names, for which the contract has no place of their own."""
    return "".join(f" Also accepted as `{alias}`." for alias in aliases)
