package managed

import (
	"encoding/json"
	"errors"
	"fmt"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/account"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/session"
	"fastness/internal/engine/waf/surge"
)

// The groups that are configured.
const (
	botControl = "AWSManagedRulesBotControlRuleSet"
	takeover   = "AWSManagedRulesATPRuleSet"
	creation   = "AWSManagedRulesACFPRuleSet"
	antiDDoS   = "AWSManagedRulesAntiDDoSRuleSet"
)

// never is the condition of a rule that has nothing to look for here.
const never = "NEVER"

// config is one element of AWS's ManagedRuleGroupConfigs, with its names. The first four are the former
// way to configure ATP.
type config struct {
	LoginPath, PayloadType       string
	UsernameField, PasswordField *fieldConfig

	AWSManagedRulesBotControlRuleSet *struct {
		InspectionLevel       string
		EnableMachineLearning *bool
	}
	AWSManagedRulesATPRuleSet *struct {
		LoginPath          string
		EnableRegexInPath  bool
		RequestInspection  *inspectionConfig
		ResponseInspection *answersConfig
	}
	AWSManagedRulesACFPRuleSet *struct {
		CreationPath, RegistrationPagePath string
		EnableRegexInPath                  bool
		RequestInspection                  *inspectionConfig
		ResponseInspection                 *answersConfig
	}
	AWSManagedRulesAntiDDoSRuleSet *struct {
		SensitivityToBlock     string
		ClientSideActionConfig struct {
			Challenge struct {
				UsageOfAction, Sensitivity  string
				ExemptUriRegularExpressions []struct{ RegexString string }
			}
		}
	}
}

type fieldConfig struct{ Identifier string }

func (f *fieldConfig) identifier() string {
	if f == nil {
		return ""
	}
	return f.Identifier
}

type inspectionConfig struct {
	PayloadType                              string
	UsernameField, PasswordField, EmailField *fieldConfig
	PhoneNumberFields, AddressFields         []fieldConfig
}

func (c *inspectionConfig) fields() *account.Fields {
	if c == nil {
		return nil
	}
	f := &account.Fields{
		JSON: c.PayloadType == "JSON", Username: c.UsernameField.identifier(), Password: c.PasswordField.identifier(), Email: c.EmailField.identifier(),
	}
	for i := range c.PhoneNumberFields {
		f.Phone = append(f.Phone, c.PhoneNumberFields[i].Identifier)
	}
	for i := range c.AddressFields {
		f.Address = append(f.Address, c.AddressFields[i].Identifier)
	}
	return f
}

type answersConfig struct {
	StatusCode *struct{ SuccessCodes, FailureCodes []int }
	Header     *struct {
		Name                         string
		SuccessValues, FailureValues []string
	}
	BodyContains *struct{ SuccessStrings, FailureStrings []string }
	Json         *struct {
		Identifier                   string
		SuccessValues, FailureValues []string
	}
}

func (c *answersConfig) answers() *account.Answers {
	if c == nil {
		return nil
	}
	a := new(account.Answers)
	switch {
	case c.StatusCode != nil:
		a.Status = &account.StatusAnswers{Success: c.StatusCode.SuccessCodes, Failure: c.StatusCode.FailureCodes}
	case c.Header != nil:
		a.Header = &account.ValueAnswers{Name: c.Header.Name, Success: c.Header.SuccessValues, Failure: c.Header.FailureValues}
	case c.BodyContains != nil:
		a.Body = &account.ValueAnswers{Success: c.BodyContains.SuccessStrings, Failure: c.BodyContains.FailureStrings}
	case c.Json != nil:
		a.JSON = &account.ValueAnswers{Name: c.Json.Identifier, Success: c.Json.SuccessValues, Failure: c.Json.FailureValues}
	default:
		return nil
	}
	return a
}

// settings are what a reference to a group sets.
type settings struct {
	conditions map[string]bool
	account    *account.Config
	bots       bool
	compare    bool
	surge      bool
	exempt     []string
}

// has tells whether a condition holds.
func (s *settings) has(condition string) bool { return s.conditions[condition] }

// settingsOf reads the configuration of a group.
func settingsOf(name string, configs json.RawMessage) (*settings, error) {
	s := &settings{conditions: map[string]bool{}}
	var list []config
	if len(configs) > 0 {
		if err := json.Unmarshal(configs, &list); err != nil {
			return nil, fmt.Errorf("its configuration: %w", err)
		}
	}
	var all config // each of its members is set once
	for i := range list {
		c := &list[i]
		all.LoginPath += c.LoginPath
		all.PayloadType += c.PayloadType
		if c.UsernameField != nil {
			all.UsernameField = c.UsernameField
		}
		if c.PasswordField != nil {
			all.PasswordField = c.PasswordField
		}
		if c.AWSManagedRulesBotControlRuleSet != nil {
			all.AWSManagedRulesBotControlRuleSet = c.AWSManagedRulesBotControlRuleSet
		}
		if c.AWSManagedRulesATPRuleSet != nil {
			all.AWSManagedRulesATPRuleSet = c.AWSManagedRulesATPRuleSet
		}
		if c.AWSManagedRulesACFPRuleSet != nil {
			all.AWSManagedRulesACFPRuleSet = c.AWSManagedRulesACFPRuleSet
		}
		if c.AWSManagedRulesAntiDDoSRuleSet != nil {
			all.AWSManagedRulesAntiDDoSRuleSet = c.AWSManagedRulesAntiDDoSRuleSet
		}
	}
	switch name {
	case botControl:
		s.botControl(&all)
	case takeover:
		return s, s.takeover(&all)
	case creation:
		return s, s.creation(&all)
	case antiDDoS:
		return s, s.antiDDoS(&all)
	}
	return s, nil
}

func (s *settings) botControl(all *config) {
	s.bots = true
	c := all.AWSManagedRulesBotControlRuleSet
	if c == nil || c.InspectionLevel != "TARGETED" {
		return
	}
	s.conditions["TARGETED"] = true
	if c.EnableMachineLearning == nil || *c.EnableMachineLearning {
		s.conditions["LEARNING"], s.compare = true, true
	}
}

func (s *settings) takeover(all *config) error {
	c := all.AWSManagedRulesATPRuleSet
	switch {
	case c != nil:
		s.account = &account.Config{Path: c.LoginPath, Regex: c.EnableRegexInPath, Fields: c.RequestInspection.fields(), Answers: c.ResponseInspection.answers()}
	case all.LoginPath != "":
		s.account = &account.Config{Path: all.LoginPath}
		if all.UsernameField != nil && all.PasswordField != nil {
			s.account.Fields = (&inspectionConfig{PayloadType: all.PayloadType, UsernameField: all.UsernameField, PasswordField: all.PasswordField}).fields()
		}
	default:
		return errors.New("it needs a login path")
	}
	s.accountConditions()
	return nil
}

func (s *settings) creation(all *config) error {
	c := all.AWSManagedRulesACFPRuleSet
	if c == nil {
		return errors.New("it needs a configuration")
	}
	s.account = &account.Config{
		Create: true, Path: c.CreationPath, Page: c.RegistrationPagePath, Regex: c.EnableRegexInPath,
		Fields: c.RequestInspection.fields(), Answers: c.ResponseInspection.answers(),
	}
	s.accountConditions()
	return nil
}

func (s *settings) accountConditions() {
	s.conditions["CREDENTIALS"] = s.account.Fields != nil
	s.conditions["ANSWERS"] = s.account.Answers != nil
}

func (s *settings) antiDDoS(all *config) error {
	c := all.AWSManagedRulesAntiDDoSRuleSet
	if c == nil {
		return errors.New("it needs a configuration")
	}
	s.surge = true
	level := func(given, otherwise string) string {
		if given == "" {
			return otherwise
		}
		return given
	}
	s.conditions["BLOCK_"+level(c.SensitivityToBlock, "LOW")] = true
	ch := &c.ClientSideActionConfig.Challenge
	if ch.UsageOfAction != "ENABLED" {
		return nil
	}
	s.conditions["CHALLENGE"] = true
	s.conditions["CHALLENGE_"+level(ch.Sensitivity, "HIGH")] = true
	for i := range ch.ExemptUriRegularExpressions {
		s.exempt = append(s.exempt, ch.ExemptUriRegularExpressions[i].RegexString)
	}
	return nil
}

// challengeable is that a request can take a challenge: it is a GET, and none of the exempt expressions
// matches its path.
func (s *settings) challengeable() waf.Statement {
	get := waf.Statement{Byte: &waf.ByteMatch{
		Inspect: waf.Inspect{Component: request.Component{Kind: request.Method}}, Search: []byte("GET"), Position: waf.Exactly,
	}}
	if len(s.exempt) == 0 {
		return get
	}
	var exempt []waf.Statement
	for _, text := range s.exempt {
		exempt = append(exempt, waf.Statement{Regex: &waf.RegexMatch{
			Inspect: waf.Inspect{Component: request.Component{Kind: request.URIPath}}, Regex: text,
		}})
	}
	any := either(exempt)
	return waf.Statement{And: []waf.Statement{get, {Not: &any}}}
}

// watch is what makes the observer of a reference, nil for a group without one.
func (s *settings) watch(stolen func() *account.Stolen) func(waf.Observer) (waf.Observer, error) {
	switch {
	case s.account != nil:
		return func(previous waf.Observer) (waf.Observer, error) {
			var list *account.Stolen
			if stolen != nil {
				list = stolen()
			}
			if w, ok := previous.(*account.Watcher); ok {
				w.SetStolen(list)
				return w, nil
			}
			return account.New(s.account, list)
		}
	case s.bots:
		return func(previous waf.Observer) (waf.Observer, error) {
			if previous != nil {
				return previous, nil
			}
			if !s.has("TARGETED") {
				return onlyTokens{}, nil
			}
			return session.New(s.compare)
		}
	case s.surge:
		return func(previous waf.Observer) (waf.Observer, error) {
			if previous != nil {
				return previous, nil
			}
			return surge.New()
		}
	}
	return nil
}

// onlyTokens is an observer that notices nothing but tokens.
type onlyTokens struct{}

func (onlyTokens) Names() []string          { return nil }
func (onlyTokens) Observe(*waf.Observation) {}
