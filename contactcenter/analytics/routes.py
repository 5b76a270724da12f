"""HTTP: the picture, the half hours, an explanation."""

from __future__ import annotations

from contactcenter.analytics.schemas import (
    ExplainedFigure,
    ExplainQuery,
    IntervalQuery,
    Intervals,
    WallboardState,
)
from contactcenter.analytics.service import Analytics
from contactcenter.core.access import Permission
from contactcenter.core.http import Request, Route


def build_routes(analytics: Analytics) -> tuple[Route, ...]:
    async def wallboard(request: Request) -> WallboardState:
        return WallboardState.model_validate(await analytics.wallboard(request.principal))

    async def intervals(request: Request) -> Intervals:
        query: IntervalQuery = request.query
        return await analytics.intervals(request.principal, query)

    async def explained(request: Request) -> ExplainedFigure:
        query: ExplainQuery = request.query
        return await analytics.explain(request.principal, query)

    return (
        Route(
            "GET",
            "/api/v1/wallboard",
            wallboard,
            Permission.WALLBOARD_READ,
            "The wallboard as it is shown now",
            response=WallboardState,
            tags=("analytics",),
        ),
        Route(
            "GET",
            "/api/v1/analytics/intervals",
            intervals,
            Permission.WALLBOARD_READ,
            "Figures per half hour, queue and channel, from the event log",
            query=IntervalQuery,
            response=Intervals,
            tags=("analytics",),
        ),
        Route(
            "GET",
            "/api/v1/analytics/explain",
            explained,
            Permission.WALLBOARD_READ,
            "One of today's figures: formula, both operands, the items behind it",
            query=ExplainQuery,
            response=ExplainedFigure,
            tags=("analytics",),
        ),
    )
