"""The ground everything stands on: settings, errors, clock, ids, money, logs, connections."""
