package rotator

import (
	"maps"
	"slices"
)

// strategy is how the password of an account changes.
type strategy int

const (
	generic     strategy = iota // a random string, known to no server
	singleUser                  // the account's own password
	alternating                 // app and app_clone take turns
)

// kind is what a name stands for.
type kind struct {
	server   server // nil for the generic one
	strategy strategy
}

// kinds has AWS's template names and, for the same rotators, the RotationType names of
// CloudFormation's AWS::SecretsManager::RotationSchedule HostedRotationLambda. Aurora
// has no names of its own in either: its secrets say aurora-postgresql or aurora-mysql
// in "engine". ElastiCache and the generic template are not in CloudFormation's list.
var kinds = map[string]kind{
	"SecretsManagerRDSPostgreSQLRotationSingleUser": {postgreSQL{}, singleUser},
	"SecretsManagerRDSPostgreSQLRotationMultiUser":  {postgreSQL{}, alternating},
	"SecretsManagerRDSMySQLRotationSingleUser":      {mySQL{}, singleUser},
	"SecretsManagerRDSMySQLRotationMultiUser":       {mySQL{}, alternating},
	"SecretsManagerRDSMariaDBRotationSingleUser":    {mySQL{mariaDB: true}, singleUser},
	"SecretsManagerRDSMariaDBRotationMultiUser":     {mySQL{mariaDB: true}, alternating},
	"SecretsManagerMongoDBRotationSingleUser":       {mongoDB{}, singleUser},
	"SecretsManagerMongoDBRotationMultiUser":        {mongoDB{}, alternating},
	"SecretsManagerElasticacheUserRotation":         {redisServer{}, singleUser},
	"SecretsManagerRotationTemplate":                {nil, generic},

	"PostgreSQLSingleUser": {postgreSQL{}, singleUser},
	"PostgreSQLMultiUser":  {postgreSQL{}, alternating},
	"MySQLSingleUser":      {mySQL{}, singleUser},
	"MySQLMultiUser":       {mySQL{}, alternating},
	"MariaDBSingleUser":    {mySQL{mariaDB: true}, singleUser},
	"MariaDBMultiUser":     {mySQL{mariaDB: true}, alternating},
	"MongoDBSingleUser":    {mongoDB{}, singleUser},
	"MongoDBMultiUser":     {mongoDB{}, alternating},
}

// Names lists every name that [Registry.Lookup] knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }
