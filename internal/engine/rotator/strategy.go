package rotator

import "context"

// loginPending logs in with the pending secret, which may have been set before. The
// session is nil if the server rejects it, or if nothing is left to set (done).
func (r *Rotator) loginPending(ctx context.Context, docs *documents) (s session, done bool, err error) {
	s, err = r.login(ctx, docs.pending)
	if rejected(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if done, err = s.applied(ctx, docs); done || err != nil {
		s.close()
		return nil, done, err
	}
	return s, false, nil
}

// setSingle replaces a user's own password: pending, current and previous are tried in
// that order, and the first that works decides. Where a user has one password at a time,
// current comes first: if it works, pending has not been set, and nobody need try.
func (r *Rotator) setSingle(ctx context.Context, docs *documents) error {
	var unlike error // that current was tried, and rejected
	if r.kind.server.onePassword() && docs.current.username == docs.pending.username && docs.current.host == docs.pending.host {
		s, err := r.login(ctx, docs.current)
		if err == nil {
			defer s.close()
			return s.setOwn(ctx, docs)
		}
		if unlike = err; !rejected(err) {
			return err
		}
	}
	s, done, err := r.loginPending(ctx, docs)
	if done || err != nil {
		return err
	}
	if s, err = r.loginOwn(ctx, docs, s, unlike); err != nil {
		return err
	}
	if docs.master != nil && r.kind.server.usesMaster() {
		s.close()
		if s, err = r.loginMaster(ctx, docs); err != nil {
			return err
		}
	}
	defer s.close()
	return s.setOwn(ctx, docs)
}

// loginOwn checks that the documents speak of the same user and, unless the pending
// secret has logged in, does so with the current or the previous one. unlike is set if the
// server has rejected the current one already.
func (r *Rotator) loginOwn(ctx context.Context, docs *documents, s session, unlike error) (session, error) {
	current, pending, previous := docs.current, docs.pending, docs.previous
	var err error
	switch {
	case current.username != pending.username:
		err = fail(Misconfigured, "Attempting to modify user %s other than current user %s", pending.username, current.username)
	case current.host != pending.host:
		err = fail(Misconfigured, "Attempting to modify user for host %s other than current host %s", pending.host, current.host)
	}
	if err != nil {
		if s != nil {
			s.close()
		}
		return nil, err
	}
	if s != nil {
		return s, nil
	}
	if err = unlike; err == nil {
		s, err = r.login(ctx, current)
	}
	if rejected(err) && previous != nil {
		if previous.username != pending.username {
			return nil, fail(Misconfigured, r.kind.server.words().previousUser, pending.username, previous.username)
		}
		if previous.host != pending.host {
			return nil, fail(Misconfigured, r.kind.server.words().previousHost, pending.host, previous.host)
		}
		previous.ssl = current.ssl
		s, err = r.login(ctx, previous)
	}
	if rejected(err) {
		return nil, fail(LoginFailed, "Unable to log into database with previous, current, or pending secret of secret arn %s", docs.arn).because(err)
	}
	return s, err
}

// setAlternating sets the other user's password as master.
func (r *Rotator) setAlternating(ctx context.Context, docs *documents) error {
	s, done, err := r.loginPending(ctx, docs)
	if done || err != nil {
		return err
	}
	if s != nil {
		s.close()
	}
	current, pending := docs.current, docs.pending
	if alternate(current.username) != pending.username {
		return fail(Misconfigured, "Attempting to modify user %s other than current user or clone %s", pending.username, current.username)
	}
	if current.host != pending.host {
		return fail(Misconfigured, "Attempting to modify user for host %s other than current host %s", pending.host, current.host)
	}
	// Only who can log in as the current user may have a master change the other one:
	// else a secret with a foreign user's name would take that user over.
	s, err = r.login(ctx, current)
	if rejected(err) {
		return fail(LoginFailed, "Unable to log into database using current credentials for secret %s", docs.arn).because(err)
	}
	if err != nil {
		return err
	}
	s.close()
	s, err = r.loginMaster(ctx, docs)
	if err != nil {
		return err
	}
	defer s.close()
	return s.setOther(ctx, docs)
}

// loginMaster logs in with the master secret.
func (r *Rotator) loginMaster(ctx context.Context, docs *documents) (session, error) {
	current, master := docs.current, docs.master
	if master == nil {
		return nil, fail(Misconfigured, "the rotation needs the master secret %s", current.masterARN)
	}
	if current.host != master.host {
		return nil, fail(Misconfigured, r.kind.server.words().masterHost, current.host, master.host)
	}
	if current.dbname != "" && !r.kind.server.usersInDatabases() {
		master.dbname = current.dbname
	}
	s, err := r.login(ctx, master)
	if rejected(err) {
		return nil, fail(LoginFailed, "Unable to log into database using credentials in master secret %s", current.masterARN).because(err)
	}
	return s, err
}
