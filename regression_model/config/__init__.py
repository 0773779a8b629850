"""One description of a model: from ``config.yml`` or a manifest to the specification (``Spec``)."""
