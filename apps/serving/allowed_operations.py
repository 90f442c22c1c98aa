"""The operations that an exported graph may consist of; what is not here is refused before a model is loaded.

They are what the layers, decoders and tokenizers of this project become, and their gradients. All of them compute
tensors from tensors: none reads or writes a file, opens a connection, runs Python, waits, prints or changes a
variable. A layer that needs another one gets it here, after a look at what it does.
"""

_GROUPS = {
    "Control flow": """
        Assert Case EmptyTensorList EnsureShape FakeParam Identity IdentityN If NoOp PartitionedCall Placeholder
        PreventGradient StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient While
        """,
    "Lists of tensors": """
        TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3
        TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcatLists TensorListConcatV2
        TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
        TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListScatterIntoExistingList
        TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
        """,
    "Reading variables, and tables that are made of constants": """
        Const DisableCopyOnRead HashTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2
        ReadVariableOp ResourceGather ResourceGatherNd VarHandleOp VarIsInitializedOp VariableShape
        """,
    "Text": """
        AsString DecodeBase64 DecodeRaw EncodeBase64 Fingerprint ReduceJoin RegexFullMatch RegexReplace
        StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength StringLower StringNGrams
        StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast StringToHashBucketStrong
        StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript
        UnicodeTranscode UnsortedSegmentJoin
        """,
    "Ragged rows": """
        RaggedBincount RaggedCross RaggedFillEmptyRows RaggedFillEmptyRowsGrad RaggedGather RaggedRange
        RaggedTensorFromVariant RaggedTensorToTensor RaggedTensorToVariant RaggedTensorToVariantGradient
        """,
    "Shapes, and moving values about": """
        Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Bucketize Cast ConcatOffset ConcatV2 ConjugateTranspose
        DenseBincount Diag DiagPart DynamicPartition DynamicStitch Empty ExpandDims Fill GatherNd GatherV2
        InvertPermutation LinSpace ListDiff LowerBound MatrixBandPart MatrixDiagPartV3 MatrixDiagV3 MatrixSetDiagV3
        MirrorPad MirrorPadGrad OneHot OnesLike Pack Pad PadV2 ParallelDynamicStitch Range Rank Reshape ReverseSequence
        ReverseV2 Roll ScatterNd Shape ShapeN Size Slice Snapshot SparseToDense Split SplitV Squeeze StridedSlice
        StridedSliceGrad TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
        TensorStridedSliceUpdate Tile TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
        UnravelIndex UpperBound Where ZerosLike
        """,
    "Arithmetic": """
        Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Asin Asinh Atan Atan2 Atanh BitwiseAnd BitwiseOr BitwiseXor Ceil
        CheckNumerics ClipByValue Cos Cosh Digamma Div DivNoNan Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Inv
        InvGrad Invert IsFinite IsInf IsNan LeftShift Lgamma Log Log1p Maximum Minimum Mod Mul MulNoNan Neg NextAfter
        PopulationCount Pow RealDiv Reciprocal ReciprocalGrad RightShift Rint Round Rsqrt RsqrtGrad Sigmoid SigmoidGrad
        Sign Sin Sinh Sqrt SqrtGrad Square SquaredDifference Sub Tan Tanh TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py
        Xlogy
        """,
    "Comparing and choosing": """
        ApproximateEqual Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalNot LogicalOr NotEqual Select
        SelectV2
        """,
    "Sums over axes, rows and segments": """
        All Any ArgMax ArgMin Bincount Cumprod Cumsum CumulativeLogsumexp EuclideanNorm Max Mean Min Prod
        SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum
        SegmentSumV2 SparseSegmentMean SparseSegmentSqrtN SparseSegmentSum Sum UnsortedSegmentMax
        UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
        """,
    "Linear algebra": """
        BatchMatMul BatchMatMulV2 BatchMatMulV3 Cholesky Cross Einsum MatMul MatrixInverse MatrixSolve
        MatrixTriangularSolve Qr
        """,
    "Networks": """
        AvgPool AvgPoolGrad BiasAdd BiasAddGrad BiasAddV1 Conv2D Conv2DBackpropFilter Conv2DBackpropInput
        DepthwiseConv2dNative Elu EluGrad FusedBatchNormV3 FusedBatchNormGradV3 InTopKV2 L2Loss LeakyRelu LeakyReluGrad
        LogSoftmax MaxPool MaxPoolGrad NthElement Relu Relu6 Relu6Grad ReluGrad Selu SeluGrad Softmax
        SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign SoftsignGrad SparseSoftmaxCrossEntropyWithLogits
        """,
    "Drawing": """
        Multinomial ParameterizedTruncatedNormal RandomStandardNormal RandomUniform RandomUniformInt
        StatelessMultinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
        StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
        StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
        StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
        """,
}

ALLOWED = frozenset(name for names in _GROUPS.values() for name in names.split())
"""What any function of a graph may use."""

CHECKPOINT = frozenset({"AssignVariableOp", "MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""What moreover stands in the two functions that save and restore the variables, which nothing but a server calls."""
