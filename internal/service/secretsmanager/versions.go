package secretsmanager

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

const (
	// maxLabels is how many staging labels one version can have.
	maxLabels = 20
	// keptVersions is how many versions a secret keeps; older ones without a label go, but
	// none younger than keptFor (AWS Secrets Manager user guide, "Secret versions").
	keptVersions = 100
	keptFor      = 24 * time.Hour
	// prunedPerChange bounds how many go at a time.
	prunedPerChange = 10
)

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

// addVersion gives a secret a new version, or a value to a version that has none, and
// moves labels to it. The caller saves the record.
func (s *Service) addVersion(ctx context.Context, rec *secretRecord, id string, value *secretValue, labels []string) error {
	tx := call.From(ctx).Txn()
	v, err := s.tables.version(tx, rec, id)
	if isNotFound(err) {
		v = &versionRecord{Account: rec.Account, Region: rec.Region, Secret: rec.id(), ID: id, Created: s.now()}
		rec.Versions++
	} else if err != nil {
		return err
	}
	stored, err := s.seal(ctx, rec, v, value)
	if err != nil {
		return err
	}
	if err := s.tables.values.Put(tx, stored); err != nil {
		return err
	}
	if err := s.tables.versions.Put(tx, v); err != nil {
		return err
	}
	for _, label := range labels {
		attach(rec, label, id)
	}
	if err := checkLabels(rec, id); err != nil {
		return err
	}
	rec.Changed = s.now()
	return s.prune(tx, rec)
}

// attach moves a label to a version. When AWSCURRENT moves, AWSPREVIOUS goes to the
// version that had it.
func attach(rec *secretRecord, label, version string) {
	if label == stageCurrent {
		if old, ok := rec.Stages[stageCurrent]; ok && old != version {
			rec.Stages[stagePrevious] = old
		}
	}
	rec.Stages[label] = version
	// A version is not its own predecessor.
	if rec.Stages[stagePrevious] == rec.Stages[stageCurrent] {
		delete(rec.Stages, stagePrevious)
	}
}

func checkLabels(rec *secretRecord, version string) error {
	if len(rec.labels(version)) > maxLabels {
		return limitExceeded("You can't attach more than " + strconv.Itoa(maxLabels) + " staging labels to a version of a secret.")
	}
	return nil
}

// prune removes the oldest versions without a label while there are too many.
func (s *Service) prune(tx store.Txn, rec *secretRecord) error {
	if rec.Versions <= keptVersions {
		return nil
	}
	young := s.now().Add(-keptFor)
	labelled := rec.labelled()
	var old []versionRecord
	rows := s.tables.versions.ScanIndex(tx, rec.scope(), versionsByCreated, table.Page{Prefix: parts(rec.id())})
	for row, err := range rows {
		if err != nil {
			return err
		}
		if row.Record.Created.After(young) || len(old) == min(prunedPerChange, rec.Versions-keptVersions) {
			break
		}
		if _, has := slices.BinarySearch(labelled, row.Record.ID); !has {
			old = append(old, *row.Record)
		}
	}
	for _, v := range old {
		if err := s.tables.deleteVersion(tx, rec.scope(), v.Secret, v.ID); err != nil {
			return err
		}
		rec.Versions--
		if err := s.report(tx, rec, "SecretVersionDeletion", call.Note{Name: "SecretVersionId", Value: v.ID}); err != nil {
			return err
		}
	}
	return nil
}

// UpdateSecretVersionStage implements the operation of that name.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *secretsmanagerapi.UpdateSecretVersionStageRequest) (*secretsmanagerapi.UpdateSecretVersionStageResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	label, from, to := wire.Value(in.VersionStage), wire.Value(in.RemoveFromVersionId), wire.Value(in.MoveToVersionId)
	for _, id := range []string{from, to} {
		if id == "" {
			continue
		}
		if _, err := s.tables.version(c.Txn(), rec, id); isNotFound(err) {
			return nil, noVersion(id)
		} else if err != nil {
			return nil, err
		}
	}
	before := rec.Stages[stageCurrent]
	holder, attached := rec.Stages[label]
	switch {
	case from == "" && to == "":
		return nil, invalidParameter("You must specify RemoveFromVersionId, MoveToVersionId, or both.")
	case to == "" && label == stageCurrent:
		return nil, invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	case from == "" && attached && holder != to:
		return nil, invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label " + label + " is currently attached to version " + holder +
			", so you must explicitly reference that version in RemoveFromVersionId.")
	case from != "" && holder != from && (!attached || to == "" || holder != to):
		return nil, invalidParameter("Staging label " + label + " isn't attached to version " + from + ".")
	}
	if to == "" {
		delete(rec.Stages, label)
	} else {
		attach(rec, label, to)
		if err := checkLabels(rec, to); err != nil {
			return nil, err
		}
	}
	rec.Changed = s.now()
	if err := s.saveValue(ctx, rec, before); err != nil {
		return nil, err
	}
	return &secretsmanagerapi.UpdateSecretVersionStageResponse{ARN: new(rec.arn()), Name: &rec.Name}, nil
}

// stagesByVersion is VersionIdsToStages: the labels of every version that has any.
func (s *secretRecord) stagesByVersion() map[string][]string {
	if len(s.Stages) == 0 {
		return nil
	}
	m := make(map[string][]string)
	for _, label := range slices.Sorted(maps.Keys(s.Stages)) {
		m[s.Stages[label]] = append(m[s.Stages[label]], label)
	}
	return m
}

// defaultVersionPage is the page of ListSecretVersionIds where none is asked for.
const defaultVersionPage = 100

// ListSecretVersionIds implements the operation of that name.
func (s *Service) ListSecretVersionIds(ctx context.Context, in *secretsmanagerapi.ListSecretVersionIdsRequest) (*secretsmanagerapi.ListSecretVersionIdsResponse, error) {
	c, sec, err := target(ctx)
	if err != nil {
		return nil, err
	}
	rec := &sec.record
	deprecated := wire.Value(in.IncludeDeprecated)
	filter := sec.arn + "\x00" + strconv.FormatBool(deprecated)
	after, err := s.position(c, filter, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := defaultVersionPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	labelled := rec.labelled()
	var found []versionRecord
	var next []byte
	var read *accessRecord
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		rows := s.tables.versions.ScanIndex(r, rec.scope(), versionsByCreated, table.Page{Prefix: parts(rec.id()), After: after})
		if found, next, err = listing(rows, limit, func(v *versionRecord) bool {
			_, has := slices.BinarySearch(labelled, v.ID)
			return has || deprecated
		}); err != nil {
			return err
		}
		read, err = s.tables.access(r, rec)
		return absent(err)
	})
	if err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.ListSecretVersionIdsResponse{ARN: &sec.arn, Name: &rec.Name, Versions: []secretsmanagerapi.SecretVersionsListEntry{}}
	for i := range found {
		v := &found[i]
		out.Versions = append(out.Versions, secretsmanagerapi.SecretVersionsListEntry{
			VersionId: &v.ID, VersionStages: rec.labels(v.ID), CreatedDate: &v.Created,
			LastAccessedDate: s.lastRead(rec, read, v.ID), KmsKeyIds: v.keys(),
		})
	}
	out.NextToken, err = s.nextToken(c, filter, next)
	return out, err
}

// keys is KmsKeyIds of a version.
func (v *versionRecord) keys() []string {
	switch {
	case v.Form == noValue:
		return nil
	case v.DefaultKey:
		return []string{"DefaultEncryptionKey"}
	}
	return []string{v.Key}
}

// position opens a NextToken.
func (s *Service) position(c *call.Call, filter string, token *string) ([]byte, error) {
	if wire.Value(token) == "" {
		return nil, nil
	}
	after, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, filter, *token)
	if err != nil {
		return nil, &secretsmanagerapi.InvalidNextTokenException{Message: new("The NextToken value is invalid.")}
	}
	return after, nil
}

// nextToken is the token for what comes behind last; nil if that is empty.
func (s *Service) nextToken(c *call.Call, filter string, last []byte) (*string, error) {
	if len(last) == 0 {
		return nil, nil
	}
	token, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, filter, last)
	if err != nil {
		return nil, err
	}
	return &token, nil
}
