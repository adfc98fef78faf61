// A suggestion service in Go: trials along the Halton sequence, which fills a space more evenly than random points.
//
// It knows nothing of Tunesmith but its .proto files; README.md says how the package tunesmithv1 is made from them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"os"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	pb "example.com/halton/tunesmithv1"
)

var primes = []int64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37}

type service struct {
	pb.UnimplementedSuggestionServiceServer
}

// Describe says what is offered. Without UsesValues, trials may be asked for ahead of results.
func (service) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	halton := &pb.AlgorithmDescription{
		Name:         "halton",
		Summary:      "Points of the Halton sequence.",
		Source:       "J. H. Halton, Numerische Mathematik 2 (1960).",
		Capabilities: &pb.Capabilities{},
	}
	return &pb.DescribeResponse{Algorithms: []*pb.AlgorithmDescription{halton}}, nil
}

// Validate refuses what the algorithm cannot work with: every mistake at once, each by its place in the document.
func (service) Validate(_ context.Context, request *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	wrong := &errdetails.BadRequest{}
	refuse := func(field, description string) {
		violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: description}
		wrong.FieldViolations = append(wrong.FieldViolations, violation)
	}
	space := request.GetSpec().GetSpace()
	for place, parameter := range space.GetParameters() {
		if parameter.GetDoubleDomain() == nil || len(parameter.GetWhen()) > 0 {
			refuse(fmt.Sprintf("spec.parameters[%d]", place), "must be a double that is always active")
		}
	}
	if most := len(primes); len(space.GetParameters()) > most {
		refuse("spec.parameters", fmt.Sprintf("must be at most %d, but got %d", most, len(space.GetParameters())))
	}
	if len(space.GetConstraints()) > 0 {
		refuse("spec.constraints", "are not looked at by halton")
	}
	for name := range request.GetSpec().GetAlgorithm().GetSettings() {
		refuse("spec.algorithm.settings."+name, "is no setting of halton")
	}
	if len(wrong.FieldViolations) > 0 {
		return nil, failure(codes.InvalidArgument, "the study has mistakes", wrong)
	}
	return &pb.ValidateResponse{}, nil
}

// Suggest answers the names of the stream's header. The history that follows it does not matter to this algorithm.
func (service) Suggest(stream grpc.ClientStreamingServer[pb.SuggestRequest, pb.SuggestResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	header := first.GetHeader()
	if header == nil {
		return status.Error(codes.InvalidArgument, "the first message of the stream must be a header")
	}
	if header.GetBaseRevision() != 0 { // the caller believes that we hold a part of the history: we hold nothing
		held := map[string]string{"revision": "0", "digest": "0"}
		return failure(codes.FailedPrecondition, "no history is kept here", &errdetails.ErrorInfo{Reason: "BASE_REVISION", Metadata: held})
	}
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	response := &pb.SuggestResponse{}
	for _, name := range header.GetNames() {
		response.Suggestions = append(response.Suggestions, suggest(header.GetSpec(), name))
	}
	return stream.SendAndClose(response)
}

func suggest(spec *pb.StudySpec, name *pb.TrialName) *pb.Suggestion {
	values := map[string]*pb.Value{}
	for place, parameter := range spec.GetSpace().GetParameters() {
		share := inverse(name.GetNumber()+1, primes[place])
		values[parameter.GetName()] = &pb.Value{Kind: &pb.Value_DoubleValue{DoubleValue: at(parameter.GetDoubleDomain(), share)}}
	}
	text := fmt.Sprintf("point %d of the Halton sequence", name.GetNumber()+1)
	return &pb.Suggestion{
		Name:        name.GetName(),
		Assignment:  &pb.Assignment{Values: values},
		Explanation: &pb.Explanation{Model: "halton", Text: text},
	}
}

// inverse mirrors the digits of a number at the point: 6 is 110 in base 2, and gives 0.011.
func inverse(number, base int64) (share float64) {
	for weight := 1 / float64(base); number > 0; number, weight = number/base, weight/float64(base) {
		share += float64(number%base) * weight
	}
	return share
}

// at is the place in a domain that a share of the way from its least value to its largest one leads to.
func at(domain *pb.DoubleDomain, share float64) float64 {
	low, high := domain.GetMin(), domain.GetMax()
	if domain.GetDistribution() == pb.Distribution_DISTRIBUTION_LOG_UNIFORM {
		return math.Min(high, math.Max(low, low*math.Pow(high/low, share)))
	}
	value := low + share*(high-low)
	if step := domain.GetStep(); step > 0 {
		value = low + step*math.Floor((value-low)/step)
	}
	return value
}

// failure is an error with a detail that the caller understands.
func failure(code codes.Code, message string, detail protoadapt.MessageV1) error {
	made, err := status.New(code, message).WithDetails(detail)
	if err != nil {
		return err
	}
	return made.Err()
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterSuggestionServiceServer(server, service{})
	fmt.Printf("serving at port %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.Serve(listener))
}
