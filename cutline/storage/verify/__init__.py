"""Whether a data root can be believed: every file by itself, the files against each other, the books to the cent.

It reads and compares; it must not repair, migrate or write.
"""

from cutline.storage.verify.report import Code, Problem, Report
from cutline.storage.verify.root import verify_root

__all__ = ["Code", "Problem", "Report", "verify_root"]
