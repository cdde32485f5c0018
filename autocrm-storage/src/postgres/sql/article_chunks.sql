SELECT document FROM autocrm.autocrm_chunk WHERE tenant = $1 AND article = $2 ORDER BY ordinal
