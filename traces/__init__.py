"""The trace file format: schema, writer, reader."""
