"""Tables valued column by column; pyarrow is imported by the modules that read and write files."""
