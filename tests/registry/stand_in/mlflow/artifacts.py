import shutil
from pathlib import Path


def download_artifacts(uri: str, *, dst_path: str, tracking_uri: str, registry_uri: str) -> None:
    source = Path(uri).parent  # of `artifacts`
    shutil.copytree(source, Path(dst_path) / "artifacts")
