package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthservice "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"fastness/internal/engine/waf/request"
)

func insecureClient() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// streams is a service whose methods are calls of every kind.
var streams = grpc.ServiceDesc{
	ServiceName: "test.Streams", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		if in.Value == "fail" {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("x-why", "asked for"))
			return nil, status.Error(codes.FailedPrecondition, "as you wish: 100 %")
		}
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-head", "h"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-tail-bin", "\x00\x01"))
		return in, nil
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Both", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			in := new(wrapperspb.StringValue)
			if err := s.RecvMsg(in); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := s.SendMsg(in); err != nil {
				return err
			}
		}
	}}},
}

func TestGRPCFromEndToEnd(t *testing.T) {
	for _, c := range []struct {
		name                 string
		secure, secureTarget bool
	}{{"plain", false, false}, {"TLS to plain", true, false}, {"TLS to TLS", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var options []grpc.ServerOption
			if c.secureTarget {
				k, _ := certificateFor(t, "t", "target.example")
				pair, err := tls.X509KeyPair([]byte(k.Chain), []byte(k.Key))
				if err != nil {
					t.Fatal(err)
				}
				options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
			}
			server := grpc.NewServer(options...)
			server.RegisterService(&streams, nil)
			health := healthservice.NewServer()
			grpc_health_v1.RegisterHealthServer(server, health)
			go func() { _ = server.Serve(l) }()
			t.Cleanup(server.Stop)
			config := baseConfig(targetOf(t, l.Addr().String()))
			config.TargetGroups[0].Version = "GRPC"
			if c.secureTarget {
				config.TargetGroups[0].Protocol = "HTTPS"
			}
			config.TargetGroups[0].Health = HealthCheck{Path: "/grpc.health.v1.Health/Check", Matcher: "0"}
			inspect := func(c *Config, o *Options) {
				inspected(c, o, func(r *request.Request, v *Verdict) error {
					if len(r.Body) == 0 {
						t.Errorf("%s: judged without its first message", r.Target)
					}
					if bytes.Contains(r.Body, []byte("attack")) {
						v.Act = Block
					}
					return nil
				})
			}
			changes := []func(*Config, *Options){inspect}
			transport := insecure.NewCredentials()
			if c.secure {
				changes = append(changes, secured(t))
				transport = credentials.NewTLS(insecureClient())
			}
			r := start(t, config, changes...)
			eventually(t, "the target is healthy", func() bool {
				for _, h := range r.TargetHealth("g") {
					return h.State == "healthy"
				}
				return false
			})
			conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(transport))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ctx, cancel := context.WithTimeout(t.Context(), patienceOfTests)
			defer cancel()

			var head, tail metadata.MD
			out := new(wrapperspb.StringValue)
			if err := conn.Invoke(ctx, "/test.Streams/Unary", wrapperspb.String("hi"), out, grpc.Header(&head), grpc.Trailer(&tail)); err != nil {
				t.Fatal(err)
			}
			if out.Value != "hi" || len(head["x-head"]) != 1 || len(tail["x-tail-bin"]) != 1 || tail["x-tail-bin"][0] != "\x00\x01" {
				t.Errorf("%q %v %v", out.Value, head, tail)
			}
			err = conn.Invoke(ctx, "/test.Streams/Unary", wrapperspb.String("fail"), out, grpc.Trailer(&tail))
			if s := status.Convert(err); s.Code() != codes.FailedPrecondition || s.Message() != "as you wish: 100 %" || len(tail["x-why"]) != 1 {
				t.Errorf("%v %v", err, tail)
			}
			err = conn.Invoke(ctx, "/test.Streams/Unary", wrapperspb.String("an attack"), out)
			if s := status.Convert(err); s.Code() != codes.PermissionDenied {
				t.Errorf("a blocked call: %v", err)
			}
			s, err := conn.NewStream(ctx, &streams.Streams[0], "/test.Streams/Both")
			if err != nil {
				t.Fatal(err)
			}
			// Each message is answered before the next is sent: nothing is held back.
			for range 100 {
				if err := s.SendMsg(wrapperspb.String("ping")); err != nil {
					t.Fatal(err)
				}
				if err := s.RecvMsg(out); err != nil || out.Value != "ping" {
					t.Fatal(out, err)
				}
			}
			if err := s.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(out); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
			// A call that the client gives up is given up at the target.
			cut, giveUp := context.WithCancel(ctx)
			s, err = conn.NewStream(cut, &streams.Streams[0], "/test.Streams/Both")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SendMsg(wrapperspb.String("ping")); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(out); err != nil {
				t.Fatal(err)
			}
			giveUp()
			eventually(t, "no request is left", func() bool { return r.Counters().Active == 0 })
		})
	}
}
