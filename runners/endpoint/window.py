"""Which requests of several users count, by moments that the caller reads from its clock.

A window begins when each user has had an answer, and lasts as long as is asked for; where a user
has sent none by then, until he has. Every request that is sent in it counts, however late it ends:
to leave out those under way at its end would leave out the slow ones. Meanwhile the users go on, so
that the last of them meet the load of the first; what is sent then counts nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from runners.endpoint.answer import Answer


@dataclass(slots=True, kw_only=True, eq=False)
class Sent:
    """One request of one user; moments are seconds of the caller's clock."""

    user: int
    workload: int
    sent_s: float
    ended_s: float | None = None
    """Moment of its end; None: it is under way."""
    answer: Answer | None = None
    fault: str = ""


@dataclass(slots=True, kw_only=True)
class Window:
    """The requests of one number of users, and which of them count."""

    users: int
    seconds: float
    begun_s: float | None = None
    """Moment when the last user had his first answer; None: he has not."""
    ended_s: float | None = None
    requests: list[Sent] = field(default_factory=list)
    """All of them, in the order in which they were sent."""
    done: int = 0
    """Requests that have ended."""
    _under_way: list[Sent] = field(default_factory=list)
    """At most one a user."""
    _answered: set[int] = field(default_factory=set)
    """Users who had an answer before the window began."""

    def send(self, user: int, workload: int, now_s: float) -> Sent:
        """A user sends a request."""
        request = Sent(user=user, workload=workload, sent_s=now_s)
        self.requests.append(request)
        self._under_way.append(request)
        return request

    def end(
        self, request: Sent, now_s: float, *, answer: Answer | None = None, fault: str = ""
    ) -> None:
        """A request was answered, or failed with an outcome."""
        request.ended_s, request.answer, request.fault = now_s, answer, fault
        self.done += 1
        self._under_way.remove(request)
        if self.begun_s is None:
            self._answered.add(request.user)
            self.begun_s = now_s if len(self._answered) == self.users else None

    def look(self, now_s: float) -> None:
        """End the window, if it is time."""
        if self.begun_s is None or self.ended_s is not None:
            return
        if now_s < self.begun_s + self.seconds:
            return
        sent = {one.user for one in self.requests if one.sent_s >= self.begun_s}
        if len(sent) == self.users:
            self.ended_s = now_s

    def counts(self, request: Sent) -> bool:
        """True where it was sent within the window."""
        begun = self.begun_s
        return begun is not None and request.sent_s >= begun and not self.holds(request)

    def holds(self, request: Sent) -> bool:
        """True where it was sent after the window, to hold the load."""
        return self.ended_s is not None and request.sent_s >= self.ended_s

    @property
    def over(self) -> bool:
        """True once the window has ended, and every request that counts."""
        return self.ended_s is not None and not any(map(self.counts, self._under_way))

    @property
    def within(self) -> list[Sent]:
        """Requests that were under way within the window, those that straddle its beginning too."""
        begun = self.begun_s
        if begun is None:
            return []
        return [
            one
            for one in self.requests
            if one.ended_s is not None and one.ended_s > begun and not self.holds(one)
        ]
