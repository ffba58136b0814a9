package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"fastness/internal/api/cloudtrailapi"
	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/engine/attestation"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/seal"
	"fastness/internal/service/cloudtrail"
	"fastness/internal/service/iam"
	"fastness/internal/service/kms"
	"fastness/internal/service/sts"
	"fastness/internal/store"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/ec2query"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/restxml"
	"fastness/internal/wire/rpccbor"
)

// rooms are the services of an unsealed server, and what they run on.
type rooms struct {
	store  store.Store
	slots  *keyslot.File
	audit  *audit.Log
	door   *front.Door
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// codecs are all protocols: every room is reachable in each one that its API lists.
func codecs() []wire.Codec {
	return []wire.Codec{
		awsjson.New(wire.AWSJSON10), awsjson.New(wire.AWSJSON11), awsquery.New(), ec2query.New(),
		restjson.New(), restxml.New(), rpccbor.New(),
	}
}
