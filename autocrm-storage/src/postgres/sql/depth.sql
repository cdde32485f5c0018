SELECT state, run_at <= $2 AS due, count(*) FROM autocrm.autocrm_job WHERE tenant = $1 GROUP BY state, due
