"""What can go wrong with the files; each error says what to do next."""


class WarehouseError(Exception):
    """Something about the warehouse that a person has to decide."""


class WarehouseBusyError(WarehouseError):
    """Another writer has the file. Wait for it to end, or stop it, then run again."""


class WarehouseMissingError(WarehouseError):
    """There is no file to read yet. Load first."""


class WarehouseOutdatedError(WarehouseError):
    """The published copy lacks what is asked of it. Load, and it is published anew."""


class MigrationChangedError(WarehouseError):
    """A migration that ran is not the one in this code. Put it back, and add a new one."""


class CyclicModelsError(WarehouseError):
    """Models read each other in a circle, or read what no model makes. Mend their headers."""


class ExportFolderError(WarehouseError):
    """The folder has something of somebody else's. Choose another one."""
