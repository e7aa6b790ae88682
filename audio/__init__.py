"""Reading of recordings with FFmpeg: container repairs, downmix to stereo, samples as floats."""
