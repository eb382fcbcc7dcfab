"""The contract model: treaty/v1 as YAML, read strictly, positions kept."""

from treaty_contracts.model.contract import Contract
from treaty_contracts.model.loading import (
    CONTRACT_NAMES,
    ContractError,
    Loaded,
    contract_name,
    load,
    load_bytes,
)

__all__ = ["CONTRACT_NAMES", "Contract", "ContractError", "Loaded", "contract_name", "load", "load_bytes"]
