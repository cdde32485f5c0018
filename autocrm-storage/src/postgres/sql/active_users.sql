SELECT id FROM autocrm.autocrm_user WHERE tenant = $1 AND id = ANY ($2::uuid[]) AND active <> 0
