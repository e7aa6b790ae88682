"""Keys of the services in the aiohttp application; each handler reads only those that it needs."""

from __future__ import annotations

from aiohttp import web

from common.http_limits import RateLimiter
from station.api.points import AdFreePasses, PointsApi
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView
from station.config import StationConfig
from station.db.figures import Figures
from station.db.ledger import Store
from station.db.posted import PostedStore
from station.pages.check_page import CachedCheck
from station.pages.commission import CommissionWatch
from station.pages.views import Pages
from station.payments.directory import ServerDirectory
from station.tickets.content_moves import ContentMoves
from station.tickets.issue import TicketIssuer

ADDRESS: web.AppKey[bytes] = web.AppKey("address", bytes)
"""The station's address, 20 bytes."""
AD_FREE: web.AppKey[AdFreePasses] = web.AppKey("ad_free", AdFreePasses)
CATALOGUE: web.AppKey[Catalogue] = web.AppKey("catalogue", Catalogue)
CHAIN: web.AppKey[ChainView] = web.AppKey("chain", ChainView)
COMMISSION: web.AppKey[CommissionWatch] = web.AppKey("commission", CommissionWatch)
CONFIG: web.AppKey[StationConfig] = web.AppKey("config", StationConfig)
DIRECTORY: web.AppKey[ServerDirectory] = web.AppKey("directory", ServerDirectory)
FIGURES: web.AppKey[Figures] = web.AppKey("figures", Figures)
ISSUER: web.AppKey[TicketIssuer] = web.AppKey("issuer", TicketIssuer)
LIMITER: web.AppKey[RateLimiter] = web.AppKey("limiter", RateLimiter)
MOVES: web.AppKey[ContentMoves] = web.AppKey("moves", ContentMoves)
PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)
POINTS: web.AppKey[PointsApi] = web.AppKey("points", PointsApi)
POSTED: web.AppKey[PostedStore] = web.AppKey("posted", PostedStore)
SITE_CHECK: web.AppKey[CachedCheck] = web.AppKey("site_check", CachedCheck)
STORE: web.AppKey[Store] = web.AppKey("store", Store)
