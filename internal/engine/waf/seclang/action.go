package seclang

import (
	"fmt"
	"strings"
)

// setVar is setvar:tx.name=value: it sets, adds to, takes from or removes a variable.
type setVar struct {
	key    *macro
	op     setOp
	value  *macro
	slot   int32 // of a key without variables
	family int32 // of another
}

type setOp uint8

const (
	setTo setOp = iota
	addTo
	takeFrom
	unset
)

func parseSetVar(s string) (setVar, error) {
	var v setVar
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		v.op, s = unset, rest
	}
	name, value, _ := strings.Cut(s, "=")
	collection, key, _ := strings.Cut(strings.TrimSpace(name), ".")
	if !strings.EqualFold(collection, "tx") || key == "" {
		return v, fmt.Errorf("setvar:%s: only tx.name can be set", s)
	}
	var err error
	if v.key, err = parseMacro(strings.ToLower(key)); err != nil {
		return v, err
	}
	if v.op != unset && value != "" {
		switch value[0] {
		case '+':
			v.op, value = addTo, value[1:]
		case '-':
			v.op, value = takeFrom, value[1:]
		}
	}
	v.value, err = parseMacro(value)
	return v, err
}

// control is a ctl action.
type control struct {
	op        controlOp
	ids       idRanges
	tag       string
	targets   []target // to remove
	processor processor
}

type controlOp uint8

const (
	removeByID controlOp = iota
	removeByTag
	removeTargetByID
	removeTargetByTag
	setProcessor
	forceBody
	engineOff
)

// processor is how a body is taken apart.
type processor uint8

const (
	noProcessor processor = iota
	urlEncoded
	multipartForm
	jsonBody
	xmlBody
	rawBody
)

var processorNames = [...]string{"", "URLENCODED", "MULTIPART", "JSON", "XML", "RAW"}

// parseControl reads a ctl action. Those about logs are accepted and mean nothing here.
func parseControl(s string) (c control, ok bool, err error) {
	name, value, _ := strings.Cut(s, "=")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "ruleremovebyid":
		c.op = removeByID
		c.ids, err = parseRanges([]string{value})
	case "ruleremovebytag":
		c.op, c.tag = removeByTag, value
	case "ruleremovetargetbyid", "ruleremovetargetbytag":
		which, targets, found := strings.Cut(value, ";")
		if !found {
			return c, false, fmt.Errorf("ctl:%s needs a target", s)
		}
		if strings.HasSuffix(strings.ToLower(name), "tag") {
			c.op, c.tag = removeTargetByTag, which
		} else {
			c.op = removeTargetByID
			if c.ids, err = parseRanges([]string{which}); err != nil {
				return c, false, err
			}
		}
		c.targets, err = parseTargets(targets)
	case "requestbodyprocessor":
		c.op = setProcessor
		for i, n := range processorNames {
			if i > 0 && strings.EqualFold(n, value) {
				c.processor = processor(i)
			}
		}
		if c.processor == noProcessor {
			err = fmt.Errorf("there is no request body processor %q", value)
		}
	case "forcerequestbodyvariable":
		c.op = forceBody
		if !strings.EqualFold(value, "on") {
			return c, false, nil
		}
	case "ruleengine":
		c.op = engineOff
		if !strings.EqualFold(value, "off") {
			return c, false, nil
		}
	case "auditengine", "auditlogparts", "debugloglevel", "requestbodyaccess", "requestbodylimit", "responsebodyaccess", "responsebodylimit",
		"forceresponsebodyvariable", "responsebodyprocessor", "hashengine", "hashenforcement":
		return c, false, nil
	default:
		err = fmt.Errorf("ctl:%s is not supported", name)
	}
	return c, err == nil, err
}
