import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime';
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc';
export var Context;
(function (Context) {
    let _codec;
    Context.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.version != null && obj.version !== '')) {
                    w.uint32(10);
                    w.string(obj.version);
                }
                if ((obj.run != null && obj.run.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.run);
                }
                if ((obj.previousLink != null && obj.previousLink.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.previousLink);
                }
                if ((obj.round != null && obj.round !== 0)) {
                    w.uint32(32);
                    w.uint32(obj.round);
                }
                if ((obj.attempt != null && obj.attempt !== 0)) {
                    w.uint32(40);
                    w.uint32(obj.attempt);
                }
                if ((obj.rosterHash != null && obj.rosterHash.byteLength > 0)) {
                    w.uint32(50);
                    w.bytes(obj.rosterHash);
                }
                if ((obj.baseModel != null && obj.baseModel.byteLength > 0)) {
                    w.uint32(58);
                    w.bytes(obj.baseModel);
                }
                if ((obj.encodingHash != null && obj.encodingHash.byteLength > 0)) {
                    w.uint32(66);
                    w.bytes(obj.encodingHash);
                }
                if (obj.cohort != null) {
                    w.uint32(242);
                    w.string(obj.cohort);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    version: '',
                    run: uint8ArrayAlloc(0),
                    previousLink: uint8ArrayAlloc(0),
                    round: 0,
                    attempt: 0,
                    rosterHash: uint8ArrayAlloc(0),
                    baseModel: uint8ArrayAlloc(0),
                    encodingHash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.version = reader.string();
                            break;
                        }
                        case 2: {
                            obj.run = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.previousLink = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.round = reader.uint32();
                            break;
                        }
                        case 5: {
                            obj.attempt = reader.uint32();
                            break;
                        }
                        case 6: {
                            obj.rosterHash = reader.bytes();
                            break;
                        }
                        case 7: {
                            obj.baseModel = reader.bytes();
                            break;
                        }
                        case 8: {
                            obj.encodingHash = reader.bytes();
                            break;
                        }
                        case 30: {
                            obj.cohort = reader.string();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.version`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.run`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.previousLink`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.round`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.attempt`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.rosterHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 7: {
                            yield {
                                field: `${prefix}.baseModel`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 8: {
                            yield {
                                field: `${prefix}.encodingHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 30: {
                            yield {
                                field: `${prefix}.cohort`,
                                value: reader.string()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Context.codec());
    }
    Context.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Context.codec(), opts);
    }
    Context.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Context.codec(), opts);
    }
    Context.stream = stream;
})(Context || (Context = {}));
export var Envelope;
(function (Envelope) {
    let _codec;
    Envelope.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.type != null && obj.type !== '')) {
                    w.uint32(10);
                    w.string(obj.type);
                }
                if (obj.context != null) {
                    w.uint32(18);
                    Context.codec().encode(obj.context, w);
                }
                if ((obj.payload != null && obj.payload.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.payload);
                }
                if ((obj.sender != null && obj.sender.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.sender);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(42);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    type: '',
                    payload: uint8ArrayAlloc(0),
                    sender: uint8ArrayAlloc(0),
                    signature: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.type = reader.string();
                            break;
                        }
                        case 2: {
                            obj.context = Context.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.context
                            });
                            break;
                        }
                        case 3: {
                            obj.payload = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.sender = reader.bytes();
                            break;
                        }
                        case 5: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.type`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield* Context.codec().stream(reader, reader.uint32(), `${prefix}.context`, {
                                limits: opts.limits?.context
                            });
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.payload`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.sender`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Envelope.codec());
    }
    Envelope.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Envelope.codec(), opts);
    }
    Envelope.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Envelope.codec(), opts);
    }
    Envelope.stream = stream;
})(Envelope || (Envelope = {}));
export var Registration;
(function (Registration) {
    let _codec;
    Registration.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.nonce);
                }
                if ((obj.afterLink != null && obj.afterLink.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.afterLink);
                }
                if (obj.redemption != null) {
                    w.uint32(482);
                    Redemption.codec().encode(obj.redemption, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    nonce: uint8ArrayAlloc(0),
                    afterLink: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.nonce = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.afterLink = reader.bytes();
                            break;
                        }
                        case 60: {
                            obj.redemption = Redemption.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.redemption
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.nonce`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.afterLink`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 60: {
                            yield* Redemption.codec().stream(reader, reader.uint32(), `${prefix}.redemption`, {
                                limits: opts.limits?.redemption
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Registration.codec());
    }
    Registration.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Registration.codec(), opts);
    }
    Registration.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Registration.codec(), opts);
    }
    Registration.stream = stream;
})(Registration || (Registration = {}));
export var Invitation;
(function (Invitation) {
    let _codec;
    Invitation.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.run != null && obj.run.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.run);
                }
                if ((obj.id != null && obj.id.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.id);
                }
                if ((obj.expiresAtS != null && obj.expiresAtS !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.expiresAtS);
                }
                if ((obj.uses != null && obj.uses !== 0)) {
                    w.uint32(32);
                    w.uint32(obj.uses);
                }
                if ((obj.label != null && obj.label !== '')) {
                    w.uint32(42);
                    w.string(obj.label);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(50);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    run: uint8ArrayAlloc(0),
                    id: uint8ArrayAlloc(0),
                    expiresAtS: 0,
                    uses: 0,
                    label: '',
                    signature: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.run = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.id = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.expiresAtS = reader.uint32();
                            break;
                        }
                        case 4: {
                            obj.uses = reader.uint32();
                            break;
                        }
                        case 5: {
                            obj.label = reader.string();
                            break;
                        }
                        case 6: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.run`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.id`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.expiresAtS`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.uses`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.label`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Invitation.codec());
    }
    Invitation.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Invitation.codec(), opts);
    }
    Invitation.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Invitation.codec(), opts);
    }
    Invitation.stream = stream;
})(Invitation || (Invitation = {}));
export var Redemption;
(function (Redemption) {
    let _codec;
    Redemption.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.invitation != null) {
                    w.uint32(10);
                    Invitation.codec().encode(obj.invitation, w);
                }
                if ((obj.proof != null && obj.proof.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.proof);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    proof: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.invitation = Invitation.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.invitation
                            });
                            break;
                        }
                        case 2: {
                            obj.proof = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* Invitation.codec().stream(reader, reader.uint32(), `${prefix}.invitation`, {
                                limits: opts.limits?.invitation
                            });
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.proof`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Redemption.codec());
    }
    Redemption.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Redemption.codec(), opts);
    }
    Redemption.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Redemption.codec(), opts);
    }
    Redemption.stream = stream;
})(Redemption || (Redemption = {}));
export var InvitationToken;
(function (InvitationToken) {
    let _codec;
    InvitationToken.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.invitation != null) {
                    w.uint32(10);
                    Invitation.codec().encode(obj.invitation, w);
                }
                if ((obj.secret != null && obj.secret.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.secret);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    secret: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.invitation = Invitation.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.invitation
                            });
                            break;
                        }
                        case 2: {
                            obj.secret = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* Invitation.codec().stream(reader, reader.uint32(), `${prefix}.invitation`, {
                                limits: opts.limits?.invitation
                            });
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.secret`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, InvitationToken.codec());
    }
    InvitationToken.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, InvitationToken.codec(), opts);
    }
    InvitationToken.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, InvitationToken.codec(), opts);
    }
    InvitationToken.stream = stream;
})(InvitationToken || (InvitationToken = {}));
export var Admission;
(function (Admission) {
    let _codec;
    Admission.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.peer != null && obj.peer !== '')) {
                    w.uint32(10);
                    w.string(obj.peer);
                }
                if (obj.redemption != null) {
                    w.uint32(18);
                    Redemption.codec().encode(obj.redemption, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    peer: ''
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.peer = reader.string();
                            break;
                        }
                        case 2: {
                            obj.redemption = Redemption.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.redemption
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.peer`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield* Redemption.codec().stream(reader, reader.uint32(), `${prefix}.redemption`, {
                                limits: opts.limits?.redemption
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Admission.codec());
    }
    Admission.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Admission.codec(), opts);
    }
    Admission.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Admission.codec(), opts);
    }
    Admission.stream = stream;
})(Admission || (Admission = {}));
export var Refusal;
(function (Refusal) {
    let _codec;
    Refusal.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.reason != null && obj.reason !== '')) {
                    w.uint32(10);
                    w.string(obj.reason);
                }
                if (obj.admissions != null && obj.admissions.length > 0) {
                    for (const value of obj.admissions) {
                        w.uint32(18);
                        Admission.codec().encode(value, w);
                    }
                }
                if (obj.order != null) {
                    w.uint32(26);
                    Envelope.codec().encode(obj.order, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    reason: '',
                    admissions: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.reason = reader.string();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.admissions != null && obj.admissions.length === opts.limits.admissions) {
                                throw new MaxLengthError('Decode error - repeated field "admissions" had too many elements');
                            }
                            obj.admissions.push(Admission.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.admissions$
                            }));
                            break;
                        }
                        case 3: {
                            obj.order = Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.order
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    admissions: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.reason`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.admissions != null && obj.admissions === opts.limits.admissions) {
                                throw new MaxLengthError('Streaming decode error - repeated field "admissions" had too many elements');
                            }
                            for (const evt of Admission.codec().stream(reader, reader.uint32(), `${prefix}.admissions[]`, {
                                limits: opts.limits?.admissions$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.admissions
                                };
                            }
                            obj.admissions++;
                            break;
                        }
                        case 3: {
                            yield* Envelope.codec().stream(reader, reader.uint32(), `${prefix}.order`, {
                                limits: opts.limits?.order
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Refusal.codec());
    }
    Refusal.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Refusal.codec(), opts);
    }
    Refusal.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Refusal.codec(), opts);
    }
    Refusal.stream = stream;
})(Refusal || (Refusal = {}));
export var Order;
(function (Order) {
    let _codec;
    Order.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(10);
                    w.string(obj.kind);
                }
                if ((obj.invitation != null && obj.invitation.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.invitation);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    kind: '',
                    invitation: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 2: {
                            obj.invitation = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.invitation`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Order.codec());
    }
    Order.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Order.codec(), opts);
    }
    Order.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Order.codec(), opts);
    }
    Order.stream = stream;
})(Order || (Order = {}));
export var Founding;
(function (Founding) {
    let _codec;
    Founding.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.registrations != null && obj.registrations.length > 0) {
                    for (const value of obj.registrations) {
                        w.uint32(10);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    registrations: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.registrations != null && obj.registrations.length === opts.limits.registrations) {
                                throw new MaxLengthError('Decode error - repeated field "registrations" had too many elements');
                            }
                            obj.registrations.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.registrations$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    registrations: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.registrations != null && obj.registrations === opts.limits.registrations) {
                                throw new MaxLengthError('Streaming decode error - repeated field "registrations" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.registrations[]`, {
                                limits: opts.limits?.registrations$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.registrations
                                };
                            }
                            obj.registrations++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Founding.codec());
    }
    Founding.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Founding.codec(), opts);
    }
    Founding.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Founding.codec(), opts);
    }
    Founding.stream = stream;
})(Founding || (Founding = {}));
export var Tip;
(function (Tip) {
    let _codec;
    Tip.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.height != null && obj.height !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.height);
                }
                if ((obj.linkHash != null && obj.linkHash.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.linkHash);
                }
                if ((obj.phase != null && obj.phase !== '')) {
                    w.uint32(26);
                    w.string(obj.phase);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    height: 0,
                    linkHash: uint8ArrayAlloc(0),
                    phase: ''
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.height = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.linkHash = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.phase = reader.string();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.height`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.linkHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.phase`,
                                value: reader.string()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Tip.codec());
    }
    Tip.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Tip.codec(), opts);
    }
    Tip.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Tip.codec(), opts);
    }
    Tip.stream = stream;
})(Tip || (Tip = {}));
export var AdvertiseKeys;
(function (AdvertiseKeys) {
    let _codec;
    AdvertiseKeys.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.maskKey != null && obj.maskKey.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.maskKey);
                }
                if ((obj.encryptionKey != null && obj.encryptionKey.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.encryptionKey);
                }
                if ((obj.selfSeedHash != null && obj.selfSeedHash.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.selfSeedHash);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    maskKey: uint8ArrayAlloc(0),
                    encryptionKey: uint8ArrayAlloc(0),
                    selfSeedHash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.maskKey = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.encryptionKey = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.selfSeedHash = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.maskKey`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.encryptionKey`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.selfSeedHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, AdvertiseKeys.codec());
    }
    AdvertiseKeys.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, AdvertiseKeys.codec(), opts);
    }
    AdvertiseKeys.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, AdvertiseKeys.codec(), opts);
    }
    AdvertiseKeys.stream = stream;
})(AdvertiseKeys || (AdvertiseKeys = {}));
export var SealedShare;
(function (SealedShare) {
    let _codec;
    SealedShare.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.sealed != null && obj.sealed.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.sealed);
                }
                if ((obj.seedShareHash != null && obj.seedShareHash.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.seedShareHash);
                }
                if ((obj.keyShareHash != null && obj.keyShareHash.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.keyShareHash);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    sealed: uint8ArrayAlloc(0),
                    seedShareHash: uint8ArrayAlloc(0),
                    keyShareHash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.sealed = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.seedShareHash = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.keyShareHash = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.sealed`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.seedShareHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.keyShareHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SealedShare.codec());
    }
    SealedShare.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SealedShare.codec(), opts);
    }
    SealedShare.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SealedShare.codec(), opts);
    }
    SealedShare.stream = stream;
})(SealedShare || (SealedShare = {}));
export var ShareKeys;
(function (ShareKeys) {
    let _codec;
    ShareKeys.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.shares != null && obj.shares.length > 0) {
                    for (const value of obj.shares) {
                        w.uint32(10);
                        SealedShare.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    shares: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.shares != null && obj.shares.length === opts.limits.shares) {
                                throw new MaxLengthError('Decode error - repeated field "shares" had too many elements');
                            }
                            obj.shares.push(SealedShare.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.shares$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    shares: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.shares != null && obj.shares === opts.limits.shares) {
                                throw new MaxLengthError('Streaming decode error - repeated field "shares" had too many elements');
                            }
                            for (const evt of SealedShare.codec().stream(reader, reader.uint32(), `${prefix}.shares[]`, {
                                limits: opts.limits?.shares$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.shares
                                };
                            }
                            obj.shares++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, ShareKeys.codec());
    }
    ShareKeys.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, ShareKeys.codec(), opts);
    }
    ShareKeys.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, ShareKeys.codec(), opts);
    }
    ShareKeys.stream = stream;
})(ShareKeys || (ShareKeys = {}));
export var MessageRef;
(function (MessageRef) {
    let _codec;
    MessageRef.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.index != null && obj.index !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.index);
                }
                if ((obj.hash != null && obj.hash.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.hash);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    index: 0,
                    hash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.index = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.hash = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.index`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.hash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, MessageRef.codec());
    }
    MessageRef.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, MessageRef.codec(), opts);
    }
    MessageRef.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, MessageRef.codec(), opts);
    }
    MessageRef.stream = stream;
})(MessageRef || (MessageRef = {}));
export var ShareAck;
(function (ShareAck) {
    let _codec;
    ShareAck.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.dealers != null && obj.dealers.length > 0) {
                    for (const value of obj.dealers) {
                        w.uint32(10);
                        MessageRef.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    dealers: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.dealers != null && obj.dealers.length === opts.limits.dealers) {
                                throw new MaxLengthError('Decode error - repeated field "dealers" had too many elements');
                            }
                            obj.dealers.push(MessageRef.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.dealers$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    dealers: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.dealers != null && obj.dealers === opts.limits.dealers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "dealers" had too many elements');
                            }
                            for (const evt of MessageRef.codec().stream(reader, reader.uint32(), `${prefix}.dealers[]`, {
                                limits: opts.limits?.dealers$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.dealers
                                };
                            }
                            obj.dealers++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, ShareAck.codec());
    }
    ShareAck.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, ShareAck.codec(), opts);
    }
    ShareAck.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, ShareAck.codec(), opts);
    }
    ShareAck.stream = stream;
})(ShareAck || (ShareAck = {}));
export var MaskedInput;
(function (MaskedInput) {
    let _codec;
    MaskedInput.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.sharesHash != null && obj.sharesHash.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.sharesHash);
                }
                if ((obj.address != null && obj.address.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.address);
                }
                if ((obj.length != null && obj.length !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.length);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    sharesHash: uint8ArrayAlloc(0),
                    address: uint8ArrayAlloc(0),
                    length: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.sharesHash = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.address = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.length = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.sharesHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.address`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.length`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, MaskedInput.codec());
    }
    MaskedInput.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, MaskedInput.codec(), opts);
    }
    MaskedInput.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, MaskedInput.codec(), opts);
    }
    MaskedInput.stream = stream;
})(MaskedInput || (MaskedInput = {}));
export var Inventory;
(function (Inventory) {
    let _codec;
    Inventory.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.headers != null && obj.headers.length > 0) {
                    for (const value of obj.headers) {
                        w.uint32(10);
                        MessageRef.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    headers: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.headers != null && obj.headers.length === opts.limits.headers) {
                                throw new MaxLengthError('Decode error - repeated field "headers" had too many elements');
                            }
                            obj.headers.push(MessageRef.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.headers$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    headers: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.headers != null && obj.headers === opts.limits.headers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "headers" had too many elements');
                            }
                            for (const evt of MessageRef.codec().stream(reader, reader.uint32(), `${prefix}.headers[]`, {
                                limits: opts.limits?.headers$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.headers
                                };
                            }
                            obj.headers++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Inventory.codec());
    }
    Inventory.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Inventory.codec(), opts);
    }
    Inventory.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Inventory.codec(), opts);
    }
    Inventory.stream = stream;
})(Inventory || (Inventory = {}));
export var Attestation;
(function (Attestation) {
    let _codec;
    Attestation.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.valueHash != null && obj.valueHash.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.valueHash);
                }
                if ((obj.sumAddress != null && obj.sumAddress.byteLength > 0)) {
                    w.uint32(562);
                    w.bytes(obj.sumAddress);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    valueHash: uint8ArrayAlloc(0),
                    sumAddress: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.valueHash = reader.bytes();
                            break;
                        }
                        case 70: {
                            obj.sumAddress = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.valueHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 70: {
                            yield {
                                field: `${prefix}.sumAddress`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Attestation.codec());
    }
    Attestation.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Attestation.codec(), opts);
    }
    Attestation.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Attestation.codec(), opts);
    }
    Attestation.stream = stream;
})(Attestation || (Attestation = {}));
export var UnmaskBundle;
(function (UnmaskBundle) {
    let _codec;
    UnmaskBundle.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.survivorsHash != null && obj.survivorsHash.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.survivorsHash);
                }
                if (obj.seedShares != null && obj.seedShares.length > 0) {
                    for (const value of obj.seedShares) {
                        w.uint32(18);
                        w.bytes(value);
                    }
                }
                if (obj.keyShares != null && obj.keyShares.length > 0) {
                    for (const value of obj.keyShares) {
                        w.uint32(26);
                        w.bytes(value);
                    }
                }
                if ((obj.sharesHash != null && obj.sharesHash.byteLength > 0)) {
                    w.uint32(162);
                    w.bytes(obj.sharesHash);
                }
                if (obj.seedDealers != null && obj.seedDealers.length > 0) {
                    for (const value of obj.seedDealers) {
                        w.uint32(168);
                        w.uint32(value);
                    }
                }
                if (obj.keyDealers != null && obj.keyDealers.length > 0) {
                    for (const value of obj.keyDealers) {
                        w.uint32(176);
                        w.uint32(value);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    survivorsHash: uint8ArrayAlloc(0),
                    seedShares: [],
                    keyShares: [],
                    sharesHash: uint8ArrayAlloc(0),
                    seedDealers: [],
                    keyDealers: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.survivorsHash = reader.bytes();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.seedShares != null && obj.seedShares.length === opts.limits.seedShares) {
                                throw new MaxLengthError('Decode error - repeated field "seedShares" had too many elements');
                            }
                            obj.seedShares.push(reader.bytes());
                            break;
                        }
                        case 3: {
                            if (opts.limits?.keyShares != null && obj.keyShares.length === opts.limits.keyShares) {
                                throw new MaxLengthError('Decode error - repeated field "keyShares" had too many elements');
                            }
                            obj.keyShares.push(reader.bytes());
                            break;
                        }
                        case 20: {
                            obj.sharesHash = reader.bytes();
                            break;
                        }
                        case 21: {
                            if (opts.limits?.seedDealers != null && obj.seedDealers.length === opts.limits.seedDealers) {
                                throw new MaxLengthError('Decode error - repeated field "seedDealers" had too many elements');
                            }
                            obj.seedDealers.push(reader.uint32());
                            break;
                        }
                        case 22: {
                            if (opts.limits?.keyDealers != null && obj.keyDealers.length === opts.limits.keyDealers) {
                                throw new MaxLengthError('Decode error - repeated field "keyDealers" had too many elements');
                            }
                            obj.keyDealers.push(reader.uint32());
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    seedShares: 0,
                    keyShares: 0,
                    seedDealers: 0,
                    keyDealers: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.survivorsHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.seedShares != null && obj.seedShares === opts.limits.seedShares) {
                                throw new MaxLengthError('Streaming decode error - repeated field "seedShares" had too many elements');
                            }
                            yield {
                                field: `${prefix}.seedShares[]`,
                                index: obj.seedShares,
                                value: reader.bytes()
                            };
                            obj.seedShares++;
                            break;
                        }
                        case 3: {
                            if (opts.limits?.keyShares != null && obj.keyShares === opts.limits.keyShares) {
                                throw new MaxLengthError('Streaming decode error - repeated field "keyShares" had too many elements');
                            }
                            yield {
                                field: `${prefix}.keyShares[]`,
                                index: obj.keyShares,
                                value: reader.bytes()
                            };
                            obj.keyShares++;
                            break;
                        }
                        case 20: {
                            yield {
                                field: `${prefix}.sharesHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 21: {
                            if (opts.limits?.seedDealers != null && obj.seedDealers === opts.limits.seedDealers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "seedDealers" had too many elements');
                            }
                            yield {
                                field: `${prefix}.seedDealers[]`,
                                index: obj.seedDealers,
                                value: reader.uint32()
                            };
                            obj.seedDealers++;
                            break;
                        }
                        case 22: {
                            if (opts.limits?.keyDealers != null && obj.keyDealers === opts.limits.keyDealers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "keyDealers" had too many elements');
                            }
                            yield {
                                field: `${prefix}.keyDealers[]`,
                                index: obj.keyDealers,
                                value: reader.uint32()
                            };
                            obj.keyDealers++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, UnmaskBundle.codec());
    }
    UnmaskBundle.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, UnmaskBundle.codec(), opts);
    }
    UnmaskBundle.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, UnmaskBundle.codec(), opts);
    }
    UnmaskBundle.stream = stream;
})(UnmaskBundle || (UnmaskBundle = {}));
export var Vote;
(function (Vote) {
    let _codec;
    Vote.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.subject != null && obj.subject !== '')) {
                    w.uint32(10);
                    w.string(obj.subject);
                }
                if ((obj.view != null && obj.view !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.view);
                }
                if ((obj.valueHash != null && obj.valueHash.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.valueHash);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    subject: '',
                    view: 0,
                    valueHash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.subject = reader.string();
                            break;
                        }
                        case 2: {
                            obj.view = reader.uint32();
                            break;
                        }
                        case 3: {
                            obj.valueHash = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.subject`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.view`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.valueHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Vote.codec());
    }
    Vote.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Vote.codec(), opts);
    }
    Vote.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Vote.codec(), opts);
    }
    Vote.stream = stream;
})(Vote || (Vote = {}));
export var VoteSignature;
(function (VoteSignature) {
    let _codec;
    VoteSignature.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.index != null && obj.index !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.index);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    index: 0,
                    signature: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.index = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.index`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, VoteSignature.codec());
    }
    VoteSignature.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, VoteSignature.codec(), opts);
    }
    VoteSignature.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, VoteSignature.codec(), opts);
    }
    VoteSignature.stream = stream;
})(VoteSignature || (VoteSignature = {}));
export var Certificate;
(function (Certificate) {
    let _codec;
    Certificate.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(10);
                    w.string(obj.kind);
                }
                if ((obj.subject != null && obj.subject !== '')) {
                    w.uint32(18);
                    w.string(obj.subject);
                }
                if ((obj.view != null && obj.view !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.view);
                }
                if ((obj.valueHash != null && obj.valueHash.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.valueHash);
                }
                if (obj.signatures != null && obj.signatures.length > 0) {
                    for (const value of obj.signatures) {
                        w.uint32(42);
                        VoteSignature.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    kind: '',
                    subject: '',
                    view: 0,
                    valueHash: uint8ArrayAlloc(0),
                    signatures: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 2: {
                            obj.subject = reader.string();
                            break;
                        }
                        case 3: {
                            obj.view = reader.uint32();
                            break;
                        }
                        case 4: {
                            obj.valueHash = reader.bytes();
                            break;
                        }
                        case 5: {
                            if (opts.limits?.signatures != null && obj.signatures.length === opts.limits.signatures) {
                                throw new MaxLengthError('Decode error - repeated field "signatures" had too many elements');
                            }
                            obj.signatures.push(VoteSignature.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.signatures$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    signatures: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.subject`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.view`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.valueHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            if (opts.limits?.signatures != null && obj.signatures === opts.limits.signatures) {
                                throw new MaxLengthError('Streaming decode error - repeated field "signatures" had too many elements');
                            }
                            for (const evt of VoteSignature.codec().stream(reader, reader.uint32(), `${prefix}.signatures[]`, {
                                limits: opts.limits?.signatures$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.signatures
                                };
                            }
                            obj.signatures++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Certificate.codec());
    }
    Certificate.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Certificate.codec(), opts);
    }
    Certificate.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Certificate.codec(), opts);
    }
    Certificate.stream = stream;
})(Certificate || (Certificate = {}));
export var CertifiedDecision;
(function (CertifiedDecision) {
    let _codec;
    CertifiedDecision.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.certificate != null) {
                    w.uint32(10);
                    Certificate.codec().encode(obj.certificate, w);
                }
                if ((obj.decision != null && obj.decision.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.decision);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    decision: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.certificate = Certificate.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.certificate
                            });
                            break;
                        }
                        case 2: {
                            obj.decision = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* Certificate.codec().stream(reader, reader.uint32(), `${prefix}.certificate`, {
                                limits: opts.limits?.certificate
                            });
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.decision`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, CertifiedDecision.codec());
    }
    CertifiedDecision.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, CertifiedDecision.codec(), opts);
    }
    CertifiedDecision.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, CertifiedDecision.codec(), opts);
    }
    CertifiedDecision.stream = stream;
})(CertifiedDecision || (CertifiedDecision = {}));
export var NewView;
(function (NewView) {
    let _codec;
    NewView.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.subject != null && obj.subject !== '')) {
                    w.uint32(10);
                    w.string(obj.subject);
                }
                if ((obj.view != null && obj.view !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.view);
                }
                if (obj.prepared != null) {
                    w.uint32(26);
                    Certificate.codec().encode(obj.prepared, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    subject: '',
                    view: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.subject = reader.string();
                            break;
                        }
                        case 2: {
                            obj.view = reader.uint32();
                            break;
                        }
                        case 3: {
                            obj.prepared = Certificate.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.prepared
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.subject`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.view`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 3: {
                            yield* Certificate.codec().stream(reader, reader.uint32(), `${prefix}.prepared`, {
                                limits: opts.limits?.prepared
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, NewView.codec());
    }
    NewView.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, NewView.codec(), opts);
    }
    NewView.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, NewView.codec(), opts);
    }
    NewView.stream = stream;
})(NewView || (NewView = {}));
export var Proposal;
(function (Proposal) {
    let _codec;
    Proposal.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.subject != null && obj.subject !== '')) {
                    w.uint32(10);
                    w.string(obj.subject);
                }
                if ((obj.view != null && obj.view !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.view);
                }
                if ((obj.decision != null && obj.decision.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.decision);
                }
                if (obj.newViews != null && obj.newViews.length > 0) {
                    for (const value of obj.newViews) {
                        w.uint32(34);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    subject: '',
                    view: 0,
                    decision: uint8ArrayAlloc(0),
                    newViews: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.subject = reader.string();
                            break;
                        }
                        case 2: {
                            obj.view = reader.uint32();
                            break;
                        }
                        case 3: {
                            obj.decision = reader.bytes();
                            break;
                        }
                        case 4: {
                            if (opts.limits?.newViews != null && obj.newViews.length === opts.limits.newViews) {
                                throw new MaxLengthError('Decode error - repeated field "newViews" had too many elements');
                            }
                            obj.newViews.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.newViews$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    newViews: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.subject`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.view`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.decision`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            if (opts.limits?.newViews != null && obj.newViews === opts.limits.newViews) {
                                throw new MaxLengthError('Streaming decode error - repeated field "newViews" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.newViews[]`, {
                                limits: opts.limits?.newViews$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.newViews
                                };
                            }
                            obj.newViews++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Proposal.codec());
    }
    Proposal.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Proposal.codec(), opts);
    }
    Proposal.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Proposal.codec(), opts);
    }
    Proposal.stream = stream;
})(Proposal || (Proposal = {}));
export var RosterDecision;
(function (RosterDecision) {
    let _codec;
    RosterDecision.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.proposer != null && obj.proposer !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.proposer);
                }
                if (obj.advertised != null && obj.advertised.length > 0) {
                    for (const value of obj.advertised) {
                        w.uint32(18);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    proposer: 0,
                    advertised: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.proposer = reader.uint32();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.advertised != null && obj.advertised.length === opts.limits.advertised) {
                                throw new MaxLengthError('Decode error - repeated field "advertised" had too many elements');
                            }
                            obj.advertised.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.advertised$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    advertised: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.proposer`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.advertised != null && obj.advertised === opts.limits.advertised) {
                                throw new MaxLengthError('Streaming decode error - repeated field "advertised" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.advertised[]`, {
                                limits: opts.limits?.advertised$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.advertised
                                };
                            }
                            obj.advertised++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, RosterDecision.codec());
    }
    RosterDecision.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, RosterDecision.codec(), opts);
    }
    RosterDecision.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, RosterDecision.codec(), opts);
    }
    RosterDecision.stream = stream;
})(RosterDecision || (RosterDecision = {}));
export var SharesDecision;
(function (SharesDecision) {
    let _codec;
    SharesDecision.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.proposer != null && obj.proposer !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.proposer);
                }
                if (obj.dealers != null && obj.dealers.length > 0) {
                    for (const value of obj.dealers) {
                        w.uint32(18);
                        MessageRef.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    proposer: 0,
                    dealers: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.proposer = reader.uint32();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.dealers != null && obj.dealers.length === opts.limits.dealers) {
                                throw new MaxLengthError('Decode error - repeated field "dealers" had too many elements');
                            }
                            obj.dealers.push(MessageRef.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.dealers$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    dealers: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.proposer`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.dealers != null && obj.dealers === opts.limits.dealers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "dealers" had too many elements');
                            }
                            for (const evt of MessageRef.codec().stream(reader, reader.uint32(), `${prefix}.dealers[]`, {
                                limits: opts.limits?.dealers$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.dealers
                                };
                            }
                            obj.dealers++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SharesDecision.codec());
    }
    SharesDecision.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SharesDecision.codec(), opts);
    }
    SharesDecision.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SharesDecision.codec(), opts);
    }
    SharesDecision.stream = stream;
})(SharesDecision || (SharesDecision = {}));
export var SurvivorsDecision;
(function (SurvivorsDecision) {
    let _codec;
    SurvivorsDecision.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.proposer != null && obj.proposer !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.proposer);
                }
                if (obj.inventories != null && obj.inventories.length > 0) {
                    for (const value of obj.inventories) {
                        w.uint32(18);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (obj.headers != null && obj.headers.length > 0) {
                    for (const value of obj.headers) {
                        w.uint32(26);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (obj.nextMembers != null && obj.nextMembers.length > 0) {
                    for (const value of obj.nextMembers) {
                        w.uint32(34);
                        w.string(value);
                    }
                }
                if (obj.registrations != null && obj.registrations.length > 0) {
                    for (const value of obj.registrations) {
                        w.uint32(42);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (obj.expulsions != null && obj.expulsions.length > 0) {
                    for (const value of obj.expulsions) {
                        w.uint32(162);
                        Expulsion.codec().encode(value, w);
                    }
                }
                if (obj.orders != null && obj.orders.length > 0) {
                    for (const value of obj.orders) {
                        w.uint32(482);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    proposer: 0,
                    inventories: [],
                    headers: [],
                    nextMembers: [],
                    registrations: [],
                    expulsions: [],
                    orders: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.proposer = reader.uint32();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.inventories != null && obj.inventories.length === opts.limits.inventories) {
                                throw new MaxLengthError('Decode error - repeated field "inventories" had too many elements');
                            }
                            obj.inventories.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.inventories$
                            }));
                            break;
                        }
                        case 3: {
                            if (opts.limits?.headers != null && obj.headers.length === opts.limits.headers) {
                                throw new MaxLengthError('Decode error - repeated field "headers" had too many elements');
                            }
                            obj.headers.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.headers$
                            }));
                            break;
                        }
                        case 4: {
                            if (opts.limits?.nextMembers != null && obj.nextMembers.length === opts.limits.nextMembers) {
                                throw new MaxLengthError('Decode error - repeated field "nextMembers" had too many elements');
                            }
                            obj.nextMembers.push(reader.string());
                            break;
                        }
                        case 5: {
                            if (opts.limits?.registrations != null && obj.registrations.length === opts.limits.registrations) {
                                throw new MaxLengthError('Decode error - repeated field "registrations" had too many elements');
                            }
                            obj.registrations.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.registrations$
                            }));
                            break;
                        }
                        case 20: {
                            if (opts.limits?.expulsions != null && obj.expulsions.length === opts.limits.expulsions) {
                                throw new MaxLengthError('Decode error - repeated field "expulsions" had too many elements');
                            }
                            obj.expulsions.push(Expulsion.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.expulsions$
                            }));
                            break;
                        }
                        case 60: {
                            if (opts.limits?.orders != null && obj.orders.length === opts.limits.orders) {
                                throw new MaxLengthError('Decode error - repeated field "orders" had too many elements');
                            }
                            obj.orders.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.orders$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    inventories: 0,
                    headers: 0,
                    nextMembers: 0,
                    registrations: 0,
                    expulsions: 0,
                    orders: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.proposer`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.inventories != null && obj.inventories === opts.limits.inventories) {
                                throw new MaxLengthError('Streaming decode error - repeated field "inventories" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.inventories[]`, {
                                limits: opts.limits?.inventories$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.inventories
                                };
                            }
                            obj.inventories++;
                            break;
                        }
                        case 3: {
                            if (opts.limits?.headers != null && obj.headers === opts.limits.headers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "headers" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.headers[]`, {
                                limits: opts.limits?.headers$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.headers
                                };
                            }
                            obj.headers++;
                            break;
                        }
                        case 4: {
                            if (opts.limits?.nextMembers != null && obj.nextMembers === opts.limits.nextMembers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "nextMembers" had too many elements');
                            }
                            yield {
                                field: `${prefix}.nextMembers[]`,
                                index: obj.nextMembers,
                                value: reader.string()
                            };
                            obj.nextMembers++;
                            break;
                        }
                        case 5: {
                            if (opts.limits?.registrations != null && obj.registrations === opts.limits.registrations) {
                                throw new MaxLengthError('Streaming decode error - repeated field "registrations" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.registrations[]`, {
                                limits: opts.limits?.registrations$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.registrations
                                };
                            }
                            obj.registrations++;
                            break;
                        }
                        case 20: {
                            if (opts.limits?.expulsions != null && obj.expulsions === opts.limits.expulsions) {
                                throw new MaxLengthError('Streaming decode error - repeated field "expulsions" had too many elements');
                            }
                            for (const evt of Expulsion.codec().stream(reader, reader.uint32(), `${prefix}.expulsions[]`, {
                                limits: opts.limits?.expulsions$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.expulsions
                                };
                            }
                            obj.expulsions++;
                            break;
                        }
                        case 60: {
                            if (opts.limits?.orders != null && obj.orders === opts.limits.orders) {
                                throw new MaxLengthError('Streaming decode error - repeated field "orders" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.orders[]`, {
                                limits: opts.limits?.orders$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.orders
                                };
                            }
                            obj.orders++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SurvivorsDecision.codec());
    }
    SurvivorsDecision.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SurvivorsDecision.codec(), opts);
    }
    SurvivorsDecision.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SurvivorsDecision.codec(), opts);
    }
    SurvivorsDecision.stream = stream;
})(SurvivorsDecision || (SurvivorsDecision = {}));
export var Survivor;
(function (Survivor) {
    let _codec;
    Survivor.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.peer != null && obj.peer !== '')) {
                    w.uint32(10);
                    w.string(obj.peer);
                }
                if ((obj.address != null && obj.address.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.address);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    peer: '',
                    address: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.peer = reader.string();
                            break;
                        }
                        case 2: {
                            obj.address = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.peer`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.address`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Survivor.codec());
    }
    Survivor.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Survivor.codec(), opts);
    }
    Survivor.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Survivor.codec(), opts);
    }
    Survivor.stream = stream;
})(Survivor || (Survivor = {}));
export var LinkBody;
(function (LinkBody) {
    let _codec;
    LinkBody.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.height != null && obj.height !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.height);
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(18);
                    w.string(obj.kind);
                }
                if ((obj.run != null && obj.run.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.run);
                }
                if ((obj.previous != null && obj.previous.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.previous);
                }
                if ((obj.round != null && obj.round !== 0)) {
                    w.uint32(40);
                    w.uint32(obj.round);
                }
                if ((obj.attempt != null && obj.attempt !== 0)) {
                    w.uint32(48);
                    w.uint32(obj.attempt);
                }
                if (obj.cohort != null && obj.cohort.length > 0) {
                    for (const value of obj.cohort) {
                        w.uint32(58);
                        w.string(value);
                    }
                }
                if ((obj.rosterHash != null && obj.rosterHash.byteLength > 0)) {
                    w.uint32(66);
                    w.bytes(obj.rosterHash);
                }
                if ((obj.encodingHash != null && obj.encodingHash.byteLength > 0)) {
                    w.uint32(74);
                    w.bytes(obj.encodingHash);
                }
                if (obj.survivors != null && obj.survivors.length > 0) {
                    for (const value of obj.survivors) {
                        w.uint32(82);
                        Survivor.codec().encode(value, w);
                    }
                }
                if (obj.members != null && obj.members.length > 0) {
                    for (const value of obj.members) {
                        w.uint32(90);
                        w.string(value);
                    }
                }
                if ((obj.stateHash != null && obj.stateHash.byteLength > 0)) {
                    w.uint32(98);
                    w.bytes(obj.stateHash);
                }
                if ((obj.beacon != null && obj.beacon.byteLength > 0)) {
                    w.uint32(106);
                    w.bytes(obj.beacon);
                }
                if ((obj.completedRounds != null && obj.completedRounds !== 0)) {
                    w.uint32(112);
                    w.uint32(obj.completedRounds);
                }
                if ((obj.weightSum != null && obj.weightSum !== 0)) {
                    w.uint32(120);
                    w.uint32(obj.weightSum);
                }
                if ((obj.meanLoss != null && obj.meanLoss !== 0)) {
                    w.uint32(129);
                    w.double(obj.meanLoss);
                }
                if ((obj.epsilonSpent != null && obj.epsilonSpent !== 0)) {
                    w.uint32(137);
                    w.double(obj.epsilonSpent);
                }
                if (obj.expulsions != null && obj.expulsions.length > 0) {
                    for (const value of obj.expulsions) {
                        w.uint32(162);
                        Expulsion.codec().encode(value, w);
                    }
                }
                if ((obj.reason != null && obj.reason !== '')) {
                    w.uint32(170);
                    w.string(obj.reason);
                }
                if (obj.children != null && obj.children.length > 0) {
                    for (const value of obj.children) {
                        w.uint32(242);
                        w.bytes(value);
                    }
                }
                if (obj.node != null) {
                    w.uint32(250);
                    w.string(obj.node);
                }
                if (obj.admissions != null && obj.admissions.length > 0) {
                    for (const value of obj.admissions) {
                        w.uint32(482);
                        Admission.codec().encode(value, w);
                    }
                }
                if (obj.orders != null && obj.orders.length > 0) {
                    for (const value of obj.orders) {
                        w.uint32(490);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    height: 0,
                    kind: '',
                    run: uint8ArrayAlloc(0),
                    previous: uint8ArrayAlloc(0),
                    round: 0,
                    attempt: 0,
                    cohort: [],
                    rosterHash: uint8ArrayAlloc(0),
                    encodingHash: uint8ArrayAlloc(0),
                    survivors: [],
                    members: [],
                    stateHash: uint8ArrayAlloc(0),
                    beacon: uint8ArrayAlloc(0),
                    completedRounds: 0,
                    weightSum: 0,
                    meanLoss: 0,
                    epsilonSpent: 0,
                    expulsions: [],
                    reason: '',
                    children: [],
                    admissions: [],
                    orders: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.height = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 3: {
                            obj.run = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.previous = reader.bytes();
                            break;
                        }
                        case 5: {
                            obj.round = reader.uint32();
                            break;
                        }
                        case 6: {
                            obj.attempt = reader.uint32();
                            break;
                        }
                        case 7: {
                            if (opts.limits?.cohort != null && obj.cohort.length === opts.limits.cohort) {
                                throw new MaxLengthError('Decode error - repeated field "cohort" had too many elements');
                            }
                            obj.cohort.push(reader.string());
                            break;
                        }
                        case 8: {
                            obj.rosterHash = reader.bytes();
                            break;
                        }
                        case 9: {
                            obj.encodingHash = reader.bytes();
                            break;
                        }
                        case 10: {
                            if (opts.limits?.survivors != null && obj.survivors.length === opts.limits.survivors) {
                                throw new MaxLengthError('Decode error - repeated field "survivors" had too many elements');
                            }
                            obj.survivors.push(Survivor.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.survivors$
                            }));
                            break;
                        }
                        case 11: {
                            if (opts.limits?.members != null && obj.members.length === opts.limits.members) {
                                throw new MaxLengthError('Decode error - repeated field "members" had too many elements');
                            }
                            obj.members.push(reader.string());
                            break;
                        }
                        case 12: {
                            obj.stateHash = reader.bytes();
                            break;
                        }
                        case 13: {
                            obj.beacon = reader.bytes();
                            break;
                        }
                        case 14: {
                            obj.completedRounds = reader.uint32();
                            break;
                        }
                        case 15: {
                            obj.weightSum = reader.uint32();
                            break;
                        }
                        case 16: {
                            obj.meanLoss = reader.double();
                            break;
                        }
                        case 17: {
                            obj.epsilonSpent = reader.double();
                            break;
                        }
                        case 20: {
                            if (opts.limits?.expulsions != null && obj.expulsions.length === opts.limits.expulsions) {
                                throw new MaxLengthError('Decode error - repeated field "expulsions" had too many elements');
                            }
                            obj.expulsions.push(Expulsion.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.expulsions$
                            }));
                            break;
                        }
                        case 21: {
                            obj.reason = reader.string();
                            break;
                        }
                        case 30: {
                            if (opts.limits?.children != null && obj.children.length === opts.limits.children) {
                                throw new MaxLengthError('Decode error - repeated field "children" had too many elements');
                            }
                            obj.children.push(reader.bytes());
                            break;
                        }
                        case 31: {
                            obj.node = reader.string();
                            break;
                        }
                        case 60: {
                            if (opts.limits?.admissions != null && obj.admissions.length === opts.limits.admissions) {
                                throw new MaxLengthError('Decode error - repeated field "admissions" had too many elements');
                            }
                            obj.admissions.push(Admission.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.admissions$
                            }));
                            break;
                        }
                        case 61: {
                            if (opts.limits?.orders != null && obj.orders.length === opts.limits.orders) {
                                throw new MaxLengthError('Decode error - repeated field "orders" had too many elements');
                            }
                            obj.orders.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.orders$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    cohort: 0,
                    survivors: 0,
                    members: 0,
                    expulsions: 0,
                    children: 0,
                    admissions: 0,
                    orders: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.height`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.run`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.previous`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.round`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.attempt`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 7: {
                            if (opts.limits?.cohort != null && obj.cohort === opts.limits.cohort) {
                                throw new MaxLengthError('Streaming decode error - repeated field "cohort" had too many elements');
                            }
                            yield {
                                field: `${prefix}.cohort[]`,
                                index: obj.cohort,
                                value: reader.string()
                            };
                            obj.cohort++;
                            break;
                        }
                        case 8: {
                            yield {
                                field: `${prefix}.rosterHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 9: {
                            yield {
                                field: `${prefix}.encodingHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 10: {
                            if (opts.limits?.survivors != null && obj.survivors === opts.limits.survivors) {
                                throw new MaxLengthError('Streaming decode error - repeated field "survivors" had too many elements');
                            }
                            for (const evt of Survivor.codec().stream(reader, reader.uint32(), `${prefix}.survivors[]`, {
                                limits: opts.limits?.survivors$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.survivors
                                };
                            }
                            obj.survivors++;
                            break;
                        }
                        case 11: {
                            if (opts.limits?.members != null && obj.members === opts.limits.members) {
                                throw new MaxLengthError('Streaming decode error - repeated field "members" had too many elements');
                            }
                            yield {
                                field: `${prefix}.members[]`,
                                index: obj.members,
                                value: reader.string()
                            };
                            obj.members++;
                            break;
                        }
                        case 12: {
                            yield {
                                field: `${prefix}.stateHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 13: {
                            yield {
                                field: `${prefix}.beacon`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 14: {
                            yield {
                                field: `${prefix}.completedRounds`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 15: {
                            yield {
                                field: `${prefix}.weightSum`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 16: {
                            yield {
                                field: `${prefix}.meanLoss`,
                                value: reader.double()
                            };
                            break;
                        }
                        case 17: {
                            yield {
                                field: `${prefix}.epsilonSpent`,
                                value: reader.double()
                            };
                            break;
                        }
                        case 20: {
                            if (opts.limits?.expulsions != null && obj.expulsions === opts.limits.expulsions) {
                                throw new MaxLengthError('Streaming decode error - repeated field "expulsions" had too many elements');
                            }
                            for (const evt of Expulsion.codec().stream(reader, reader.uint32(), `${prefix}.expulsions[]`, {
                                limits: opts.limits?.expulsions$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.expulsions
                                };
                            }
                            obj.expulsions++;
                            break;
                        }
                        case 21: {
                            yield {
                                field: `${prefix}.reason`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 30: {
                            if (opts.limits?.children != null && obj.children === opts.limits.children) {
                                throw new MaxLengthError('Streaming decode error - repeated field "children" had too many elements');
                            }
                            yield {
                                field: `${prefix}.children[]`,
                                index: obj.children,
                                value: reader.bytes()
                            };
                            obj.children++;
                            break;
                        }
                        case 31: {
                            yield {
                                field: `${prefix}.node`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 60: {
                            if (opts.limits?.admissions != null && obj.admissions === opts.limits.admissions) {
                                throw new MaxLengthError('Streaming decode error - repeated field "admissions" had too many elements');
                            }
                            for (const evt of Admission.codec().stream(reader, reader.uint32(), `${prefix}.admissions[]`, {
                                limits: opts.limits?.admissions$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.admissions
                                };
                            }
                            obj.admissions++;
                            break;
                        }
                        case 61: {
                            if (opts.limits?.orders != null && obj.orders === opts.limits.orders) {
                                throw new MaxLengthError('Streaming decode error - repeated field "orders" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.orders[]`, {
                                limits: opts.limits?.orders$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.orders
                                };
                            }
                            obj.orders++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, LinkBody.codec());
    }
    LinkBody.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, LinkBody.codec(), opts);
    }
    LinkBody.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, LinkBody.codec(), opts);
    }
    LinkBody.stream = stream;
})(LinkBody || (LinkBody = {}));
export var CohortSum;
(function (CohortSum) {
    let _codec;
    CohortSum.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(10);
                    w.string(obj.kind);
                }
                if ((obj.rosterHash != null && obj.rosterHash.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.rosterHash);
                }
                if (obj.survivors != null && obj.survivors.length > 0) {
                    for (const value of obj.survivors) {
                        w.uint32(26);
                        Survivor.codec().encode(value, w);
                    }
                }
                if ((obj.address != null && obj.address.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.address);
                }
                if ((obj.length != null && obj.length !== 0)) {
                    w.uint32(40);
                    w.uint32(obj.length);
                }
                if ((obj.beacon != null && obj.beacon.byteLength > 0)) {
                    w.uint32(50);
                    w.bytes(obj.beacon);
                }
                if (obj.children != null && obj.children.length > 0) {
                    for (const value of obj.children) {
                        w.uint32(58);
                        w.bytes(value);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    kind: '',
                    rosterHash: uint8ArrayAlloc(0),
                    survivors: [],
                    address: uint8ArrayAlloc(0),
                    length: 0,
                    beacon: uint8ArrayAlloc(0),
                    children: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 2: {
                            obj.rosterHash = reader.bytes();
                            break;
                        }
                        case 3: {
                            if (opts.limits?.survivors != null && obj.survivors.length === opts.limits.survivors) {
                                throw new MaxLengthError('Decode error - repeated field "survivors" had too many elements');
                            }
                            obj.survivors.push(Survivor.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.survivors$
                            }));
                            break;
                        }
                        case 4: {
                            obj.address = reader.bytes();
                            break;
                        }
                        case 5: {
                            obj.length = reader.uint32();
                            break;
                        }
                        case 6: {
                            obj.beacon = reader.bytes();
                            break;
                        }
                        case 7: {
                            if (opts.limits?.children != null && obj.children.length === opts.limits.children) {
                                throw new MaxLengthError('Decode error - repeated field "children" had too many elements');
                            }
                            obj.children.push(reader.bytes());
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    survivors: 0,
                    children: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.rosterHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            if (opts.limits?.survivors != null && obj.survivors === opts.limits.survivors) {
                                throw new MaxLengthError('Streaming decode error - repeated field "survivors" had too many elements');
                            }
                            for (const evt of Survivor.codec().stream(reader, reader.uint32(), `${prefix}.survivors[]`, {
                                limits: opts.limits?.survivors$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.survivors
                                };
                            }
                            obj.survivors++;
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.address`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.length`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.beacon`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 7: {
                            if (opts.limits?.children != null && obj.children === opts.limits.children) {
                                throw new MaxLengthError('Streaming decode error - repeated field "children" had too many elements');
                            }
                            yield {
                                field: `${prefix}.children[]`,
                                index: obj.children,
                                value: reader.bytes()
                            };
                            obj.children++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, CohortSum.codec());
    }
    CohortSum.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, CohortSum.codec(), opts);
    }
    CohortSum.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, CohortSum.codec(), opts);
    }
    CohortSum.stream = stream;
})(CohortSum || (CohortSum = {}));
export var Decision;
(function (Decision) {
    let _codec;
    Decision.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.roster != null) {
                    w.uint32(10);
                    RosterDecision.codec().encode(obj.roster, w);
                }
                if (obj.shares != null) {
                    w.uint32(18);
                    SharesDecision.codec().encode(obj.shares, w);
                }
                if (obj.survivors != null) {
                    w.uint32(26);
                    SurvivorsDecision.codec().encode(obj.survivors, w);
                }
                if (obj.link != null) {
                    w.uint32(34);
                    LinkBody.codec().encode(obj.link, w);
                }
                if (obj.cohortSum != null) {
                    w.uint32(242);
                    CohortSum.codec().encode(obj.cohortSum, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.roster = RosterDecision.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.roster
                            });
                            break;
                        }
                        case 2: {
                            obj.shares = SharesDecision.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.shares
                            });
                            break;
                        }
                        case 3: {
                            obj.survivors = SurvivorsDecision.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.survivors
                            });
                            break;
                        }
                        case 4: {
                            obj.link = LinkBody.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.link
                            });
                            break;
                        }
                        case 30: {
                            obj.cohortSum = CohortSum.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.cohortSum
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* RosterDecision.codec().stream(reader, reader.uint32(), `${prefix}.roster`, {
                                limits: opts.limits?.roster
                            });
                            break;
                        }
                        case 2: {
                            yield* SharesDecision.codec().stream(reader, reader.uint32(), `${prefix}.shares`, {
                                limits: opts.limits?.shares
                            });
                            break;
                        }
                        case 3: {
                            yield* SurvivorsDecision.codec().stream(reader, reader.uint32(), `${prefix}.survivors`, {
                                limits: opts.limits?.survivors
                            });
                            break;
                        }
                        case 4: {
                            yield* LinkBody.codec().stream(reader, reader.uint32(), `${prefix}.link`, {
                                limits: opts.limits?.link
                            });
                            break;
                        }
                        case 30: {
                            yield* CohortSum.codec().stream(reader, reader.uint32(), `${prefix}.cohortSum`, {
                                limits: opts.limits?.cohortSum
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Decision.codec());
    }
    Decision.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Decision.codec(), opts);
    }
    Decision.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Decision.codec(), opts);
    }
    Decision.stream = stream;
})(Decision || (Decision = {}));
export var StandDown;
(function (StandDown) {
    let _codec;
    StandDown.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.locked != null && obj.locked.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.locked);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    locked: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.locked = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.locked`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, StandDown.codec());
    }
    StandDown.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, StandDown.codec(), opts);
    }
    StandDown.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, StandDown.codec(), opts);
    }
    StandDown.stream = stream;
})(StandDown || (StandDown = {}));
export var CertifiedLink;
(function (CertifiedLink) {
    let _codec;
    CertifiedLink.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.decision != null && obj.decision.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.decision);
                }
                if (obj.certificate != null) {
                    w.uint32(18);
                    Certificate.codec().encode(obj.certificate, w);
                }
                if (obj.standDowns != null && obj.standDowns.length > 0) {
                    for (const value of obj.standDowns) {
                        w.uint32(562);
                        Envelope.codec().encode(value, w);
                    }
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    decision: uint8ArrayAlloc(0),
                    standDowns: []
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.decision = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.certificate = Certificate.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.certificate
                            });
                            break;
                        }
                        case 70: {
                            if (opts.limits?.standDowns != null && obj.standDowns.length === opts.limits.standDowns) {
                                throw new MaxLengthError('Decode error - repeated field "standDowns" had too many elements');
                            }
                            obj.standDowns.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.standDowns$
                            }));
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    standDowns: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.decision`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield* Certificate.codec().stream(reader, reader.uint32(), `${prefix}.certificate`, {
                                limits: opts.limits?.certificate
                            });
                            break;
                        }
                        case 70: {
                            if (opts.limits?.standDowns != null && obj.standDowns === opts.limits.standDowns) {
                                throw new MaxLengthError('Streaming decode error - repeated field "standDowns" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.standDowns[]`, {
                                limits: opts.limits?.standDowns$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.standDowns
                                };
                            }
                            obj.standDowns++;
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, CertifiedLink.codec());
    }
    CertifiedLink.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, CertifiedLink.codec(), opts);
    }
    CertifiedLink.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, CertifiedLink.codec(), opts);
    }
    CertifiedLink.stream = stream;
})(CertifiedLink || (CertifiedLink = {}));
export var Expulsion;
(function (Expulsion) {
    let _codec;
    Expulsion.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.peer != null && obj.peer !== '')) {
                    w.uint32(10);
                    w.string(obj.peer);
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(18);
                    w.string(obj.kind);
                }
                if ((obj.evidenceHash != null && obj.evidenceHash.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.evidenceHash);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    peer: '',
                    kind: '',
                    evidenceHash: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.peer = reader.string();
                            break;
                        }
                        case 2: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 3: {
                            obj.evidenceHash = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.peer`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.evidenceHash`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Expulsion.codec());
    }
    Expulsion.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Expulsion.codec(), opts);
    }
    Expulsion.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Expulsion.codec(), opts);
    }
    Expulsion.stream = stream;
})(Expulsion || (Expulsion = {}));
export var RevealedShare;
(function (RevealedShare) {
    let _codec;
    RevealedShare.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.index != null && obj.index !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.index);
                }
                if ((obj.share != null && obj.share.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.share);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    index: 0,
                    share: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.index = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.share = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.index`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.share`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, RevealedShare.codec());
    }
    RevealedShare.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, RevealedShare.codec(), opts);
    }
    RevealedShare.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, RevealedShare.codec(), opts);
    }
    RevealedShare.stream = stream;
})(RevealedShare || (RevealedShare = {}));
export var Evidence;
(function (Evidence) {
    let _codec;
    Evidence.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.kind != null && obj.kind !== '')) {
                    w.uint32(10);
                    w.string(obj.kind);
                }
                if (obj.messages != null && obj.messages.length > 0) {
                    for (const value of obj.messages) {
                        w.uint32(18);
                        Envelope.codec().encode(value, w);
                    }
                }
                if ((obj.roster != null && obj.roster.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.roster);
                }
                if ((obj.shares != null && obj.shares.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.shares);
                }
                if ((obj.secret != null && obj.secret !== '')) {
                    w.uint32(42);
                    w.string(obj.secret);
                }
                if (obj.revealed != null && obj.revealed.length > 0) {
                    for (const value of obj.revealed) {
                        w.uint32(50);
                        RevealedShare.codec().encode(value, w);
                    }
                }
                if ((obj.decision != null && obj.decision.byteLength > 0)) {
                    w.uint32(58);
                    w.bytes(obj.decision);
                }
                if ((obj.link != null && obj.link.byteLength > 0)) {
                    w.uint32(66);
                    w.bytes(obj.link);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    kind: '',
                    messages: [],
                    roster: uint8ArrayAlloc(0),
                    shares: uint8ArrayAlloc(0),
                    secret: '',
                    revealed: [],
                    decision: uint8ArrayAlloc(0),
                    link: uint8ArrayAlloc(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.kind = reader.string();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.messages != null && obj.messages.length === opts.limits.messages) {
                                throw new MaxLengthError('Decode error - repeated field "messages" had too many elements');
                            }
                            obj.messages.push(Envelope.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.messages$
                            }));
                            break;
                        }
                        case 3: {
                            obj.roster = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.shares = reader.bytes();
                            break;
                        }
                        case 5: {
                            obj.secret = reader.string();
                            break;
                        }
                        case 6: {
                            if (opts.limits?.revealed != null && obj.revealed.length === opts.limits.revealed) {
                                throw new MaxLengthError('Decode error - repeated field "revealed" had too many elements');
                            }
                            obj.revealed.push(RevealedShare.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.revealed$
                            }));
                            break;
                        }
                        case 7: {
                            obj.decision = reader.bytes();
                            break;
                        }
                        case 8: {
                            obj.link = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    messages: 0,
                    revealed: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.kind`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.messages != null && obj.messages === opts.limits.messages) {
                                throw new MaxLengthError('Streaming decode error - repeated field "messages" had too many elements');
                            }
                            for (const evt of Envelope.codec().stream(reader, reader.uint32(), `${prefix}.messages[]`, {
                                limits: opts.limits?.messages$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.messages
                                };
                            }
                            obj.messages++;
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.roster`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.shares`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.secret`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 6: {
                            if (opts.limits?.revealed != null && obj.revealed === opts.limits.revealed) {
                                throw new MaxLengthError('Streaming decode error - repeated field "revealed" had too many elements');
                            }
                            for (const evt of RevealedShare.codec().stream(reader, reader.uint32(), `${prefix}.revealed[]`, {
                                limits: opts.limits?.revealed$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.revealed
                                };
                            }
                            obj.revealed++;
                            break;
                        }
                        case 7: {
                            yield {
                                field: `${prefix}.decision`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 8: {
                            yield {
                                field: `${prefix}.link`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Evidence.codec());
    }
    Evidence.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Evidence.codec(), opts);
    }
    Evidence.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Evidence.codec(), opts);
    }
    Evidence.stream = stream;
})(Evidence || (Evidence = {}));
export var ChainRequest;
(function (ChainRequest) {
    let _codec;
    ChainRequest.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.run != null && obj.run.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.run);
                }
                if ((obj.fromHeight != null && obj.fromHeight !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.fromHeight);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    run: uint8ArrayAlloc(0),
                    fromHeight: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.run = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.fromHeight = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.run`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.fromHeight`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, ChainRequest.codec());
    }
    ChainRequest.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, ChainRequest.codec(), opts);
    }
    ChainRequest.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, ChainRequest.codec(), opts);
    }
    ChainRequest.stream = stream;
})(ChainRequest || (ChainRequest = {}));
export var TranscriptRequest;
(function (TranscriptRequest) {
    let _codec;
    TranscriptRequest.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.run != null && obj.run.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.run);
                }
                if ((obj.round != null && obj.round !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.round);
                }
                if ((obj.attempt != null && obj.attempt !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.attempt);
                }
                if (obj.cohort != null) {
                    w.uint32(242);
                    w.string(obj.cohort);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    run: uint8ArrayAlloc(0),
                    round: 0,
                    attempt: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.run = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.round = reader.uint32();
                            break;
                        }
                        case 3: {
                            obj.attempt = reader.uint32();
                            break;
                        }
                        case 30: {
                            obj.cohort = reader.string();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.run`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.round`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.attempt`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 30: {
                            yield {
                                field: `${prefix}.cohort`,
                                value: reader.string()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, TranscriptRequest.codec());
    }
    TranscriptRequest.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, TranscriptRequest.codec(), opts);
    }
    TranscriptRequest.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, TranscriptRequest.codec(), opts);
    }
    TranscriptRequest.stream = stream;
})(TranscriptRequest || (TranscriptRequest = {}));
