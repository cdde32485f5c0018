SELECT document FROM autocrm.autocrm_revision WHERE tenant = $1 AND article = $2 AND number = $3
