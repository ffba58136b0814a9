package rotator

import (
	"context"
	"strconv"
	"strings"
)

// accountTraits are what a clone has of an account besides grants.
type accountTraits struct {
	account
	sslType, cipher, issuer, subject          string
	questions, updates, connections, userConn uint64
}

// clause is the REQUIRE and WITH part of CREATE USER and ALTER USER.
func (a accountTraits) clause() string {
	var b strings.Builder
	b.WriteString(" REQUIRE ")
	switch a.sslType {
	case "":
		b.WriteString("NONE")
	case "ANY":
		b.WriteString("SSL")
	case "X509":
		b.WriteString("X509")
	default: // SPECIFIED
		var parts []string
		for _, p := range []struct{ word, value string }{{"CIPHER ", a.cipher}, {"ISSUER ", a.issuer}, {"SUBJECT ", a.subject}} {
			if p.value != "" {
				parts = append(parts, p.word+mysqlText(p.value))
			}
		}
		b.WriteString(strings.Join(parts, " AND "))
	}
	b.WriteString(" WITH")
	for _, l := range []struct {
		word  string
		limit uint64
	}{{" MAX_QUERIES_PER_HOUR ", a.questions}, {" MAX_UPDATES_PER_HOUR ", a.updates}, {" MAX_CONNECTIONS_PER_HOUR ", a.connections}, {" MAX_USER_CONNECTIONS ", a.userConn}} {
		b.WriteString(l.word)
		b.WriteString(strconv.FormatUint(l.limit, 10))
	}
	return b.String()
}

func (s *mysqlSession) traits(ctx context.Context, user string) ([]accountTraits, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT Host, plugin, ssl_type, ssl_cipher, x509_issuer, x509_subject,"+
		" max_questions, max_updates, max_connections, max_user_connections FROM mysql.user WHERE User = ? AND Host <> ''", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []accountTraits
	for rows.Next() {
		a := accountTraits{account: account{user: user}}
		if err := rows.Scan(&a.host, &a.plugin, &a.sslType, &a.cipher, &a.issuer, &a.subject,
			&a.questions, &a.updates, &a.connections, &a.userConn); err != nil {
			return nil, err
		}
		if all = append(all, a); len(all) > maxAccounts {
			return nil, fail(Refused, "the user has more than %d accounts", maxAccounts)
		}
	}
	return all, rows.Err()
}

// setOther clones every account of the current user. DDL cannot be rolled back here, so
// a new account starts with a password that nobody knows, and gets the pending one when
// it has all its rights: a pending password that works means that nothing is missing.
func (s *mysqlSession) setOther(ctx context.Context, docs *documents) error {
	if err := s.learnFlavor(ctx); err != nil {
		return err
	}
	current, pending := docs.current.username, docs.pending.username
	models, err := s.traits(ctx, current)
	if err != nil {
		return asMySQLFailure("the user's accounts could not be read", err)
	}
	if len(models) == 0 {
		return fail(Refused, "the server has no account of the user %s", current)
	}
	for _, model := range models {
		if err := s.clone(ctx, model, pending); err != nil {
			return err
		}
	}
	accounts, err := s.accounts(ctx, pending)
	if err != nil {
		return asMySQLFailure("the user's accounts could not be read", err)
	}
	return asMySQLFailure("the password could not be set", s.setAll(ctx, accounts, docs.pending.password, retainNone))
}

// clone makes an account like another one, with the same host.
func (s *mysqlSession) clone(ctx context.Context, model accountTraits, user string) error {
	// A password of 256 random bits, never to be used.
	nobody, err := Password{Length: 43, ExcludePunctuation: true}.Generate()
	if err != nil {
		return err
	}
	hash, err := mysqlHash(model.plugin, nobody)
	if err != nil {
		return err
	}
	to := account{user: user, host: model.host}
	if err := s.exec(ctx, "CREATE USER IF NOT EXISTS "+to.String()+s.flavor.identified(model.plugin, hash)); err != nil {
		return mysqlRefused("the user could not be created", err)
	}
	if err := s.exec(ctx, "ALTER USER "+to.String()+model.clause()); err != nil {
		return mysqlRefused("the user's requirements could not be copied", err)
	}
	grants, err := s.grants(ctx, model.account)
	if err != nil {
		return asMySQLFailure("the user's grants could not be read", err)
	}
	for _, g := range grants {
		statement, err := retarget(g, model.account, to)
		if err != nil {
			return err
		}
		if err := s.exec(ctx, statement); err != nil {
			return mysqlRefused("a grant could not be copied", err)
		}
	}
	if !s.flavor.mariaDB {
		return s.copyDefaultRoles(ctx, model.account, to)
	}
	return nil
}

// maxGrants bounds how much a server can make us repeat.
const maxGrants = 10_000

func (s *mysqlSession) grants(ctx context.Context, a account) ([]string, error) {
	return s.column(ctx, "SHOW GRANTS FOR "+a.String())
}

// copyDefaultRoles: SHOW GRANTS of MariaDB says which role is the default, that of MySQL
// does not. MySQL 5.7 has no roles and no such table.
func (s *mysqlSession) copyDefaultRoles(ctx context.Context, from, to account) error {
	rows, err := s.conn.QueryContext(ctx, "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = ? AND HOST = ?", from.user, from.host)
	if err != nil {
		if strings.HasPrefix(s.flavor.version, "5.") {
			return nil
		}
		return mysqlRefused("the user's default roles could not be read", err)
	}
	defer rows.Close()
	var roles []string
	for rows.Next() {
		var r account
		if err := rows.Scan(&r.user, &r.host); err != nil {
			return mysqlRefused("the user's default roles could not be read", err)
		}
		roles = append(roles, r.String())
	}
	if err := rows.Err(); err != nil {
		return mysqlRefused("the user's default roles could not be read", err)
	}
	if len(roles) == 0 {
		return nil
	}
	return asMySQLFailure("the user's default roles could not be copied", s.exec(ctx, "ALTER USER "+to.String()+" DEFAULT ROLE "+strings.Join(roles, ", ")))
}

// column reads a result of one column.
func (s *mysqlSession) column(ctx context.Context, query string) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		if all = append(all, v); len(all) > maxGrants {
			return nil, fail(Refused, "the user has more than %d grants", maxGrants)
		}
	}
	return all, rows.Err()
}
