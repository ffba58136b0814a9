package logs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// maxPage is how many groups, streams or policies a page has (AWS: 50).
const maxPage = 50

func groupARN(account, region, name string) string {
	return "arn:" + call.Partition + ":logs:" + region + ":" + account + ":log-group:" + name
}

// CreateLogGroup implements the operation of that name.
func (s *Service) CreateLogGroup(ctx context.Context, in *logsapi.CreateLogGroupRequest) (*logsapi.CreateLogGroupOutput, error) {
	c := call.From(ctx)
	name := value(in.LogGroupName)
	switch {
	// Names that begin so are AWS's own.
	case strings.HasPrefix(name, "aws/"):
		return nil, invalid("Log groups starting with AWS/ are reserved for AWS.")
	case in.KmsKeyId != nil:
		return nil, invalid("KMS keys of log groups are not offered here: all log data is encrypted under the keys of the platform.")
	case in.LogGroupClass != nil && *in.LogGroupClass != logsapi.LogGroupClassStandard:
		return nil, invalid("Log groups of the class %s are not offered here.", *in.LogGroupClass)
	}
	has, err := s.tables.groups.Has(c.Txn(), table.Scope{Account: c.Account, Region: c.Region}, parts(name)...)
	if err != nil {
		return nil, err
	}
	if has {
		return nil, &logsapi.ResourceAlreadyExistsException{Message: new("The specified log group already exists")}
	}
	g := &groupRecord{Account: c.Account, Region: c.Region, Name: name, ID: newID(), Created: s.now(), Tags: maps.Clone(in.Tags), Protected: value(in.DeletionProtectionEnabled)}
	if err := checkTags(groupARN(c.Account, c.Region, name), g.Tags); err != nil {
		return nil, err
	}
	return &logsapi.CreateLogGroupOutput{}, s.tables.groups.Insert(c.Txn(), g)
}

// DeleteLogGroup implements the operation of that name. The events are gone at once for everybody, and
// deleted behind it.
func (s *Service) DeleteLogGroup(ctx context.Context, in *logsapi.DeleteLogGroupRequest) (*logsapi.DeleteLogGroupOutput, error) {
	c := call.From(ctx)
	tx := c.Txn()
	g, err := s.tables.group(tx, c.Account, c.Region, value(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if g.Protected {
		return nil, &logsapi.ValidationException{Message: new("The log group is protected against deletion.")}
	}
	if err := s.tables.groups.Delete(tx, g.scope(), parts(g.Name)...); err != nil {
		return nil, err
	}
	if _, err := s.jobs.Cancel(tx, jobRetention, g.ID); err != nil {
		return nil, err
	}
	return &logsapi.DeleteLogGroupOutput{}, s.sweepLater(tx, sweep{Account: g.Account, Region: g.Region, Group: g.ID})
}

// DescribeLogGroups implements the operation of that name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *logsapi.DescribeLogGroupsRequest) (*logsapi.DescribeLogGroupsResponse, error) {
	c := call.From(ctx)
	prefix, pattern := value(in.LogGroupNamePrefix), value(in.LogGroupNamePattern)
	if prefix != "" && pattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	only := make(map[string]bool)
	for _, id := range in.LogGroupIdentifiers {
		name, err := identified(c, id)
		if err != nil {
			return nil, err
		}
		only[name] = true
	}
	out := &logsapi.DescribeLogGroupsResponse{LogGroups: []logsapi.LogGroup{}}
	if in.LogGroupClass != nil && *in.LogGroupClass != logsapi.LogGroupClassStandard {
		return out, nil
	}
	query := queryOf(append([]string{prefix, pattern}, in.LogGroupIdentifiers...)...)
	after, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := limitOf(in.Limit, maxPage)
	var last, next string
	err = s.store.View(ctx, func(r store.Reader) error {
		rows := 0
		for row, err := range s.tables.groups.Scan(r, table.Scope{Account: c.Account, Region: c.Region}, pageAfter(max(after, justBefore(prefix)))) {
			if err != nil {
				return err
			}
			g := row.Record
			if prefix != "" && !strings.HasPrefix(g.Name, prefix) {
				if g.Name > prefix {
					return nil
				}
				continue
			}
			if rows++; len(out.LogGroups) == limit || rows > maxScanned {
				next = last
				return nil
			}
			last = g.Name
			if len(only) > 0 && !only[g.Name] || pattern != "" && !strings.Contains(strings.ToLower(g.Name), strings.ToLower(pattern)) {
				continue
			}
			out.LogGroups = append(out.LogGroups, describe(g))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextToken, err = s.nextToken(c, query, next)
	return out, err
}

func describe(g *groupRecord) logsapi.LogGroup {
	name := groupARN(g.Account, g.Region, g.Name)
	out := logsapi.LogGroup{
		LogGroupName: &g.Name, CreationTime: &g.Created, MetricFilterCount: new(int32(0)), Arn: new(name + ":*"), LogGroupArn: &name,
		StoredBytes: new(int64(0)), LogGroupClass: new(logsapi.LogGroupClassStandard), DeletionProtectionEnabled: &g.Protected,
	}
	if g.Retention > 0 {
		out.RetentionInDays = &g.Retention
	}
	return out
}

// identified is the name of the group that an identifier, a name or an ARN, means.
func identified(c *call.Call, id string) (string, error) {
	if !strings.HasPrefix(id, "arn:") {
		return id, nil
	}
	a, err := arn.Parse(id)
	if err != nil || a.Partition != call.Partition || a.Service != "logs" || a.Region != c.Region || a.Account != c.Account {
		return "", invalid("The specified log group identifier is not valid: %s", id)
	}
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	if !ok || name == "" {
		return "", invalid("The specified log group identifier is not valid: %s", id)
	}
	return strings.TrimSuffix(name, ":*"), nil
}

// named is the name of a group that is given by its name or by an identifier, but not by both.
func named(c *call.Call, name, id *string) (string, error) {
	switch {
	case name != nil && id != nil:
		return "", invalid("LogGroupName and LogGroupIdentifier are mutually exclusive parameters.")
	case name != nil:
		return *name, nil
	case id != nil:
		return identified(c, *id)
	}
	return "", invalid("LogGroupName or LogGroupIdentifier must be specified.")
}

// maxScanned is how many rows a page of a listing reads at most.
const maxScanned = 1000

func limitOf(asked *int32, otherwise int) int {
	if asked == nil {
		return otherwise
	}
	return int(*asked)
}

// pageAfter is a scan behind a name.
func pageAfter(name string, prefix ...table.Part) table.Page {
	p := table.Page{Prefix: prefix}
	if name != "" {
		p.After = table.AppendKey(nil, slices.Concat(prefix, parts(name))...)
	}
	return p
}

// justBefore is a name after which all names with a prefix come: nothing of them is left out.
func justBefore(prefix string) string {
	if prefix == "" {
		return ""
	}
	last := prefix[len(prefix)-1]
	if last == 0 {
		return prefix[:len(prefix)-1]
	}
	return prefix[:len(prefix)-1] + string([]byte{last - 1, 0xff})
}

func queryOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// nextToken is the token for what comes behind a position; nil if that is empty.
func (s *Service) nextToken(c *call.Call, query, position string) (*string, error) {
	if position == "" {
		return nil, nil
	}
	t, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, query, []byte(position))
	return &t, err
}

// position reads a token; the beginning is empty.
func (s *Service) position(c *call.Call, query string, token *string) (string, error) {
	if value(token) == "" {
		return "", nil
	}
	p, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, query, *token)
	if err != nil {
		return "", badToken()
	}
	return string(p), nil
}
