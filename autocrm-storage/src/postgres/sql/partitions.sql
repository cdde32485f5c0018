SELECT autocrm.make_month(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))
FROM generate_series(-1, 6) AS ahead
