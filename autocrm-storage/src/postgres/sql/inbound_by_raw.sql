SELECT document FROM autocrm.autocrm_inbound WHERE tenant = $1 AND raw = $2 AND recipient = $3
