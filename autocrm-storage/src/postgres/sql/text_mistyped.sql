-- Which lexemes look alike is decided by the policy of the role that searches.
SELECT term, passages FROM autocrm.autocrm_term WHERE tenant = $1
ORDER BY similarity(term, $2) DESC, term LIMIT $3
