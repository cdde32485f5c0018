SELECT document FROM autocrm.autocrm_inbound WHERE tenant = $1 AND provider_id = $2
