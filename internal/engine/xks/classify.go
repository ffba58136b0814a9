package xks

import "errors"

// ConnectionErrorCode is why a custom key store failed to connect, as
// DescribeCustomKeyStores shows it.
type ConnectionErrorCode string

// All codes of the KMS API. ConnectionErrorCodeOf returns those that a proxy's
// behaviour decides; the VPC endpoint and CloudHSM ones are found by whoever looks
// up the endpoint service or the cluster.
const (
	CodeInternalError                     ConnectionErrorCode = "INTERNAL_ERROR"
	CodeNetworkErrors                     ConnectionErrorCode = "NETWORK_ERRORS"
	CodeInvalidCredentials                ConnectionErrorCode = "INVALID_CREDENTIALS"
	CodeProxyAccessDenied                 ConnectionErrorCode = "XKS_PROXY_ACCESS_DENIED"
	CodeProxyNotReachable                 ConnectionErrorCode = "XKS_PROXY_NOT_REACHABLE"
	CodeProxyTimedOut                     ConnectionErrorCode = "XKS_PROXY_TIMED_OUT"
	CodeProxyInvalidResponse              ConnectionErrorCode = "XKS_PROXY_INVALID_RESPONSE"
	CodeProxyInvalidConfiguration         ConnectionErrorCode = "XKS_PROXY_INVALID_CONFIGURATION"
	CodeProxyInvalidTLSConfiguration      ConnectionErrorCode = "XKS_PROXY_INVALID_TLS_CONFIGURATION"
	CodeVPCEndpointNotFound               ConnectionErrorCode = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"
	CodeVPCEndpointInvalidConfiguration   ConnectionErrorCode = "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION"
	CodeClusterNotFound                   ConnectionErrorCode = "CLUSTER_NOT_FOUND"
	CodeInsufficientCloudHSMHSMs          ConnectionErrorCode = "INSUFFICIENT_CLOUDHSM_HSMS"
	CodeInsufficientFreeAddressesInSubnet ConnectionErrorCode = "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET"
	CodeSubnetNotFound                    ConnectionErrorCode = "SUBNET_NOT_FOUND"
	CodeUserLockedOut                     ConnectionErrorCode = "USER_LOCKED_OUT"
	CodeUserLoggedIn                      ConnectionErrorCode = "USER_LOGGED_IN"
	CodeUserNotFound                      ConnectionErrorCode = "USER_NOT_FOUND"
)

// ConnectionErrorCodeOf is the code for a failed GetHealthStatus, "" for nil.
func ConnectionErrorCodeOf(err error) ConnectionErrorCode {
	if err == nil {
		return ""
	}
	var proxy *ProxyError
	if errors.As(err, &proxy) {
		switch proxy.Name {
		case AuthenticationFailedException:
			return CodeInvalidCredentials
		case AccessDeniedException:
			return CodeProxyAccessDenied
		case InvalidURIPathException:
			return CodeProxyInvalidConfiguration
		case DependencyTimeoutException:
			return CodeProxyTimedOut
		case ThrottlingException:
			// As for CreateCustomKeyStore: a proxy that cannot keep up is not reachable.
			return CodeProxyNotReachable
		default:
			return CodeProxyInvalidResponse
		}
	}
	var call *CallError
	if errors.As(err, &call) {
		switch call.Kind {
		case Unreachable, ManagersUnavailable:
			return CodeProxyNotReachable
		case TLSFailed:
			return CodeProxyInvalidTLSConfiguration
		case TimedOut:
			return CodeProxyTimedOut
		case ConnectionLost:
			return CodeNetworkErrors
		case InvalidResponse:
			return CodeProxyInvalidResponse
		}
	}
	return CodeInternalError
}
