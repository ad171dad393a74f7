"""The table: every endpoint but the reference, which describes these and itself."""

from api.endpoints import Endpoint
from api.parts import Parts
from api.routes.accounts import account_routes
from api.routes.addresses import address_routes
from api.routes.adjustments import adjustment_routes
from api.routes.admin import admin_routes
from api.routes.batches import batch_routes
from api.routes.billing import billing_routes
from api.routes.books import book_routes
from api.routes.chats import chat_routes
from api.routes.embeddings import embedding_routes
from api.routes.evaluation import evaluation_routes
from api.routes.events import event_routes
from api.routes.files import file_routes
from api.routes.issuers import issuer_routes
from api.routes.jobs import job_routes
from api.routes.limits import limit_routes
from api.routes.live import live_routes
from api.routes.models import model_routes
from api.routes.oauth import oauth_routes
from api.routes.oauth_apps import oauth_app_routes
from api.routes.organizations import organization_routes
from api.routes.people import people_routes
from api.routes.prompts import prompt_routes
from api.routes.purchases import purchase_routes
from api.routes.repairs import repair_routes
from api.routes.roles import role_routes
from api.routes.social import social_routes
from api.routes.statements import statement_routes
from api.routes.sync import sync_routes
from api.routes.system import health_routes, metrics_routes
from api.routes.webhooks import webhook_routes
from api.routes.wires import wire_routes


def endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """Return every endpoint, in the order of the reference."""
    return (
        *health_routes(parts),
        *metrics_routes(parts),
        *account_routes(parts),
        *social_routes(parts),
        *oauth_routes(parts),
        *oauth_app_routes(parts),
        *people_routes(parts),
        *organization_routes(parts),
        *book_routes(parts),
        *job_routes(parts),
        *live_routes(parts),
        *model_routes(parts),
        *wire_routes(parts),
        *embedding_routes(parts),
        *file_routes(parts),
        *batch_routes(parts),
        *chat_routes(parts),
        *prompt_routes(parts),
        *sync_routes(parts),
        *event_routes(parts),
        *webhook_routes(parts),
        *admin_routes(parts),
        *role_routes(parts),
        *address_routes(parts),
        *issuer_routes(parts),
        *billing_routes(parts),
        *statement_routes(parts),
        *purchase_routes(parts),
        *adjustment_routes(parts),
        *limit_routes(parts),
        *repair_routes(parts),
        *evaluation_routes(parts),
    )
