SELECT document FROM autocrm.autocrm_user
WHERE tenant = $1 AND ($2::uuid IS NULL OR id = $2) AND id < $3
    AND ($4::int8 IS NULL OR role = $4) AND ($5::int8 IS NULL OR active = $5)
ORDER BY id DESC LIMIT $6
