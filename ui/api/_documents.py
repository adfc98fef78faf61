"""Documents: checked, converted, created; and what they may name."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tunesmith.client._data import offer_data, study_data
from tunesmith.client._documents import placed
from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError, json_schema
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._documents import LARGEST, check, source_of
from tunesmith.ui._form import form_of, with_form
from tunesmith.ui._problems import mistake_data
from tunesmith.ui.api._parameters import answer
from tunesmith.ui.api._shapes import (
    AlgorithmShape,
    CheckedShape,
    ConvertedShape,
    CreatedShape,
    DocumentShape,
    RuleShape,
)

router = APIRouter(tags=["documents"])


class Document(BaseModel):
    """A StudyJob."""

    model_config = ConfigDict(extra="forbid", strict=True)
    document: str = Field(max_length=LARGEST, description="YAML or JSON.")


class Form(BaseModel):
    """What a form says, and the document that it changes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    document: str = Field("", max_length=LARGEST, description="YAML; what the form does not know stays in it.")
    form: dict[str, Any]


@router.post("/studies", response_model=CreatedShape, status_code=201)
async def create_study(desk: ADesk, manager: AManager, given: Annotated[Document, Body()]) -> Response:
    """Create a study and start it."""
    text = given.document
    try:
        study, warnings = await manager.create(source_of(text, desk.settings))
    except DocumentError as error:
        raise FixRequest("the document has mistakes", error.mistakes) from None
    except FixRequest as error:
        raise FixRequest(error.message, placed(error.mistakes, text.encode(errors="replace"))) from None
    return answer({"study": study_data(study), "warnings": warnings}, 201)


@router.post("/documents/validate", response_model=CheckedShape)
async def validate(desk: ADesk, manager: AManager, given: Annotated[Document, Body()]) -> Response:
    """Every mistake of a document at its line. Creates nothing."""
    mistakes, warnings = await check(manager, given.document, desk.settings)
    return answer({"mistakes": [mistake_data(mistake) for mistake in mistakes], "warnings": warnings})


@router.post("/documents/convert", response_model=ConvertedShape)
async def convert(manager: AManager, given: Annotated[Document, Body()]) -> Response:
    """The native document that says what a document says."""
    document, warnings = await manager.convert(given.document)
    return answer({"document": document, "warnings": warnings})


@router.post("/documents/form", response_model=None)
async def read_form(given: Annotated[Document, Body()]) -> dict[str, Any]:
    """What the form of the common case shows of a document; fields that it cannot show are null."""
    return form_of(given.document)


@router.post("/documents/from-form", response_model=DocumentShape)
async def write_form(given: Annotated[Form, Body()]) -> Response:
    """A document with what the form says; its comments, and what the form does not know, stay."""
    return answer({"document": with_form(given.document, given.form)})


@router.get("/schema", response_model=None)
async def schema() -> dict[str, Any]:
    """JSON Schema of the StudyJob, for editors."""
    return dict(json_schema())


@router.get("/algorithms", response_model=list[AlgorithmShape])
async def list_algorithms(manager: AManager) -> Response:
    """What a document may name as its algorithm."""
    return answer([offer_data(found) for found in await manager.algorithms()])


@router.get("/rules", response_model=list[RuleShape])
async def list_rules(manager: AManager) -> Response:
    """What a document may name as its early-stopping rule."""
    return answer([offer_data(found) for found in await manager.rules()])
