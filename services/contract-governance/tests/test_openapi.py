from treaty_contract_governance.openapi import DOCUMENT, document


def test_the_committed_document_is_what_the_code_says():
    assert DOCUMENT.read_text() == document(), "run python -m treaty_contract_governance.openapi"
