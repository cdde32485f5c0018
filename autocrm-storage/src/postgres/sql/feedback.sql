SELECT count(*) FILTER (WHERE helpful <> 0), count(*) FILTER (WHERE helpful = 0)
FROM autocrm.autocrm_feedback WHERE tenant = $1 AND target_kind = $2 AND target = $3
