"""The table: every endpoint but the reference, which describes these and itself."""

from api.endpoints import Endpoint
from api.parts import Parts
from api.routes.accounts import account_routes
from api.routes.admin import admin_routes
from api.routes.batches import batch_routes
from api.routes.books import book_routes
from api.routes.chats import chat_routes
from api.routes.embeddings import embedding_routes
from api.routes.evaluation import evaluation_routes
from api.routes.files import file_routes
from api.routes.jobs import job_routes
from api.routes.models import model_routes
from api.routes.prompts import prompt_routes
from api.routes.system import health_routes
from api.routes.wires import wire_routes


def endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """Return every endpoint, in the order of the reference."""
    return (
        *health_routes(parts),
        *account_routes(parts),
        *book_routes(parts),
        *job_routes(parts),
        *model_routes(parts),
        *wire_routes(parts),
        *embedding_routes(parts),
        *file_routes(parts),
        *batch_routes(parts),
        *chat_routes(parts),
        *prompt_routes(parts),
        *admin_routes(),
        *evaluation_routes(parts),
    )
