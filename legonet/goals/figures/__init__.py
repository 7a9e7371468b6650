"""The figures of networks: errors with intervals, ranking, calibration, comparisons."""
