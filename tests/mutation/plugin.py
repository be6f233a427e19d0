"""A pytest plugin for `make mutants`: what is small and sharp runs first, and properties try few examples."""

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    max_examples=15,
    # The same examples for every mutant, and no haste: a busy machine neither kills nor saves one.
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow,),
    # Nobody reads a smaller counterexample.
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put properties last: most mutants are killed by an example that takes a millisecond."""
    items.sort(key=lambda item: bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False)))
