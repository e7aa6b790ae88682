"""Recordings as FFmpeg reads them: seekable views of a file, container repairs, downmix, samples as floats."""
