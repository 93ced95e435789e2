from tests.admission.conftest import desk, hold

__all__ = ["desk", "hold"]
