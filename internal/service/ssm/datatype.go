package ssm

import (
	"strings"

	"fastness/internal/api/ssmapi"
)

// The data types.
const (
	dataText        = "text"
	dataImage       = "aws:ec2:image"
	dataIntegration = "aws:ssm:integration"
)

// checkDataType applies the rules for the data type of a new version; was is that of
// the version before, "" if there is none.
func checkDataType(dataType, was string, kind ssmapi.ParameterType, name string) error {
	switch dataType {
	case dataText:
	case dataImage:
		if kind != ssmapi.ParameterTypeString {
			return invalid("The data type " + dataImage + " is only supported for parameters of type String.")
		}
	case dataIntegration:
		// A webhook of Automation: a SecureString under a prefix of its own (AWS Systems Manager
		// user guide, "Creating integrations for Automation").
		if kind != ssmapi.ParameterTypeSecureString || !strings.HasPrefix(name, "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/") {
			return invalid("The data type " + dataIntegration + " is only supported for parameters of type SecureString in the path of integrations.")
		}
	default:
		return invalid("The following data type is not supported: " + dataType + " (Data type names are all lowercase.)")
	}
	if was != "" && was != dataType {
		return invalid("You can't change the data type of a parameter from " + was + " to " + dataType + ".")
	}
	return nil
}
