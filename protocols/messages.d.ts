import type { Codec, DecodeOptions } from 'protons-runtime';
import type { Uint8ArrayList } from 'uint8arraylist';
export interface Context {
    version: string;
    run: Uint8Array;
    previousLink: Uint8Array;
    round: number;
    attempt: number;
    rosterHash: Uint8Array;
    baseModel: Uint8Array;
    encodingHash: Uint8Array;
    cohort?: string;
}
export declare namespace Context {
    const codec: () => Codec<Context>;
    interface ContextVersionFieldEvent {
        field: '$.version';
        value: string;
    }
    interface ContextRunFieldEvent {
        field: '$.run';
        value: Uint8Array;
    }
    interface ContextPreviousLinkFieldEvent {
        field: '$.previousLink';
        value: Uint8Array;
    }
    interface ContextRoundFieldEvent {
        field: '$.round';
        value: number;
    }
    interface ContextAttemptFieldEvent {
        field: '$.attempt';
        value: number;
    }
    interface ContextRosterHashFieldEvent {
        field: '$.rosterHash';
        value: Uint8Array;
    }
    interface ContextBaseModelFieldEvent {
        field: '$.baseModel';
        value: Uint8Array;
    }
    interface ContextEncodingHashFieldEvent {
        field: '$.encodingHash';
        value: Uint8Array;
    }
    interface ContextCohortFieldEvent {
        field: '$.cohort';
        value: string;
    }
    function encode(obj: Partial<Context>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Context>): Context;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Context>): Generator<ContextVersionFieldEvent | ContextRunFieldEvent | ContextPreviousLinkFieldEvent | ContextRoundFieldEvent | ContextAttemptFieldEvent | ContextRosterHashFieldEvent | ContextBaseModelFieldEvent | ContextEncodingHashFieldEvent | ContextCohortFieldEvent>;
}
export interface Envelope {
    type: string;
    context?: Context;
    payload: Uint8Array;
    sender: Uint8Array;
    signature: Uint8Array;
}
export declare namespace Envelope {
    const codec: () => Codec<Envelope>;
    interface EnvelopeTypeFieldEvent {
        field: '$.type';
        value: string;
    }
    interface EnvelopeContextVersionFieldEvent {
        field: '$.context.version';
        value: string;
    }
    interface EnvelopeContextRunFieldEvent {
        field: '$.context.run';
        value: Uint8Array;
    }
    interface EnvelopeContextPreviousLinkFieldEvent {
        field: '$.context.previousLink';
        value: Uint8Array;
    }
    interface EnvelopeContextRoundFieldEvent {
        field: '$.context.round';
        value: number;
    }
    interface EnvelopeContextAttemptFieldEvent {
        field: '$.context.attempt';
        value: number;
    }
    interface EnvelopeContextRosterHashFieldEvent {
        field: '$.context.rosterHash';
        value: Uint8Array;
    }
    interface EnvelopeContextBaseModelFieldEvent {
        field: '$.context.baseModel';
        value: Uint8Array;
    }
    interface EnvelopeContextEncodingHashFieldEvent {
        field: '$.context.encodingHash';
        value: Uint8Array;
    }
    interface EnvelopeContextCohortFieldEvent {
        field: '$.context.cohort';
        value: string;
    }
    interface EnvelopePayloadFieldEvent {
        field: '$.payload';
        value: Uint8Array;
    }
    interface EnvelopeSenderFieldEvent {
        field: '$.sender';
        value: Uint8Array;
    }
    interface EnvelopeSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array;
    }
    function encode(obj: Partial<Envelope>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Envelope>): Envelope;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Envelope>): Generator<EnvelopeTypeFieldEvent | EnvelopeContextVersionFieldEvent | EnvelopeContextRunFieldEvent | EnvelopeContextPreviousLinkFieldEvent | EnvelopeContextRoundFieldEvent | EnvelopeContextAttemptFieldEvent | EnvelopeContextRosterHashFieldEvent | EnvelopeContextBaseModelFieldEvent | EnvelopeContextEncodingHashFieldEvent | EnvelopeContextCohortFieldEvent | EnvelopePayloadFieldEvent | EnvelopeSenderFieldEvent | EnvelopeSignatureFieldEvent>;
}
export interface Registration {
    nonce: Uint8Array;
    afterLink: Uint8Array;
    redemption?: Redemption;
}
export declare namespace Registration {
    const codec: () => Codec<Registration>;
    interface RegistrationNonceFieldEvent {
        field: '$.nonce';
        value: Uint8Array;
    }
    interface RegistrationAfterLinkFieldEvent {
        field: '$.afterLink';
        value: Uint8Array;
    }
    interface RegistrationRedemptionInvitationRunFieldEvent {
        field: '$.redemption.invitation.run';
        value: Uint8Array;
    }
    interface RegistrationRedemptionInvitationIdFieldEvent {
        field: '$.redemption.invitation.id';
        value: Uint8Array;
    }
    interface RegistrationRedemptionInvitationExpiresAtSFieldEvent {
        field: '$.redemption.invitation.expiresAtS';
        value: number;
    }
    interface RegistrationRedemptionInvitationUsesFieldEvent {
        field: '$.redemption.invitation.uses';
        value: number;
    }
    interface RegistrationRedemptionInvitationLabelFieldEvent {
        field: '$.redemption.invitation.label';
        value: string;
    }
    interface RegistrationRedemptionInvitationSignatureFieldEvent {
        field: '$.redemption.invitation.signature';
        value: Uint8Array;
    }
    interface RegistrationRedemptionProofFieldEvent {
        field: '$.redemption.proof';
        value: Uint8Array;
    }
    function encode(obj: Partial<Registration>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Registration>): Registration;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Registration>): Generator<RegistrationNonceFieldEvent | RegistrationAfterLinkFieldEvent | RegistrationRedemptionInvitationRunFieldEvent | RegistrationRedemptionInvitationIdFieldEvent | RegistrationRedemptionInvitationExpiresAtSFieldEvent | RegistrationRedemptionInvitationUsesFieldEvent | RegistrationRedemptionInvitationLabelFieldEvent | RegistrationRedemptionInvitationSignatureFieldEvent | RegistrationRedemptionProofFieldEvent>;
}
export interface Invitation {
    run: Uint8Array;
    id: Uint8Array;
    expiresAtS: number;
    uses: number;
    label: string;
    signature: Uint8Array;
}
export declare namespace Invitation {
    const codec: () => Codec<Invitation>;
    interface InvitationRunFieldEvent {
        field: '$.run';
        value: Uint8Array;
    }
    interface InvitationIdFieldEvent {
        field: '$.id';
        value: Uint8Array;
    }
    interface InvitationExpiresAtSFieldEvent {
        field: '$.expiresAtS';
        value: number;
    }
    interface InvitationUsesFieldEvent {
        field: '$.uses';
        value: number;
    }
    interface InvitationLabelFieldEvent {
        field: '$.label';
        value: string;
    }
    interface InvitationSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array;
    }
    function encode(obj: Partial<Invitation>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Invitation>): Invitation;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Invitation>): Generator<InvitationRunFieldEvent | InvitationIdFieldEvent | InvitationExpiresAtSFieldEvent | InvitationUsesFieldEvent | InvitationLabelFieldEvent | InvitationSignatureFieldEvent>;
}
export interface Redemption {
    invitation?: Invitation;
    proof: Uint8Array;
}
export declare namespace Redemption {
    const codec: () => Codec<Redemption>;
    interface RedemptionInvitationRunFieldEvent {
        field: '$.invitation.run';
        value: Uint8Array;
    }
    interface RedemptionInvitationIdFieldEvent {
        field: '$.invitation.id';
        value: Uint8Array;
    }
    interface RedemptionInvitationExpiresAtSFieldEvent {
        field: '$.invitation.expiresAtS';
        value: number;
    }
    interface RedemptionInvitationUsesFieldEvent {
        field: '$.invitation.uses';
        value: number;
    }
    interface RedemptionInvitationLabelFieldEvent {
        field: '$.invitation.label';
        value: string;
    }
    interface RedemptionInvitationSignatureFieldEvent {
        field: '$.invitation.signature';
        value: Uint8Array;
    }
    interface RedemptionProofFieldEvent {
        field: '$.proof';
        value: Uint8Array;
    }
    function encode(obj: Partial<Redemption>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Redemption>): Redemption;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Redemption>): Generator<RedemptionInvitationRunFieldEvent | RedemptionInvitationIdFieldEvent | RedemptionInvitationExpiresAtSFieldEvent | RedemptionInvitationUsesFieldEvent | RedemptionInvitationLabelFieldEvent | RedemptionInvitationSignatureFieldEvent | RedemptionProofFieldEvent>;
}
export interface InvitationToken {
    invitation?: Invitation;
    secret: Uint8Array;
}
export declare namespace InvitationToken {
    const codec: () => Codec<InvitationToken>;
    interface InvitationTokenInvitationRunFieldEvent {
        field: '$.invitation.run';
        value: Uint8Array;
    }
    interface InvitationTokenInvitationIdFieldEvent {
        field: '$.invitation.id';
        value: Uint8Array;
    }
    interface InvitationTokenInvitationExpiresAtSFieldEvent {
        field: '$.invitation.expiresAtS';
        value: number;
    }
    interface InvitationTokenInvitationUsesFieldEvent {
        field: '$.invitation.uses';
        value: number;
    }
    interface InvitationTokenInvitationLabelFieldEvent {
        field: '$.invitation.label';
        value: string;
    }
    interface InvitationTokenInvitationSignatureFieldEvent {
        field: '$.invitation.signature';
        value: Uint8Array;
    }
    interface InvitationTokenSecretFieldEvent {
        field: '$.secret';
        value: Uint8Array;
    }
    function encode(obj: Partial<InvitationToken>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InvitationToken>): InvitationToken;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InvitationToken>): Generator<InvitationTokenInvitationRunFieldEvent | InvitationTokenInvitationIdFieldEvent | InvitationTokenInvitationExpiresAtSFieldEvent | InvitationTokenInvitationUsesFieldEvent | InvitationTokenInvitationLabelFieldEvent | InvitationTokenInvitationSignatureFieldEvent | InvitationTokenSecretFieldEvent>;
}
export interface Admission {
    peer: string;
    redemption?: Redemption;
}
export declare namespace Admission {
    const codec: () => Codec<Admission>;
    interface AdmissionPeerFieldEvent {
        field: '$.peer';
        value: string;
    }
    interface AdmissionRedemptionInvitationRunFieldEvent {
        field: '$.redemption.invitation.run';
        value: Uint8Array;
    }
    interface AdmissionRedemptionInvitationIdFieldEvent {
        field: '$.redemption.invitation.id';
        value: Uint8Array;
    }
    interface AdmissionRedemptionInvitationExpiresAtSFieldEvent {
        field: '$.redemption.invitation.expiresAtS';
        value: number;
    }
    interface AdmissionRedemptionInvitationUsesFieldEvent {
        field: '$.redemption.invitation.uses';
        value: number;
    }
    interface AdmissionRedemptionInvitationLabelFieldEvent {
        field: '$.redemption.invitation.label';
        value: string;
    }
    interface AdmissionRedemptionInvitationSignatureFieldEvent {
        field: '$.redemption.invitation.signature';
        value: Uint8Array;
    }
    interface AdmissionRedemptionProofFieldEvent {
        field: '$.redemption.proof';
        value: Uint8Array;
    }
    function encode(obj: Partial<Admission>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Admission>): Admission;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Admission>): Generator<AdmissionPeerFieldEvent | AdmissionRedemptionInvitationRunFieldEvent | AdmissionRedemptionInvitationIdFieldEvent | AdmissionRedemptionInvitationExpiresAtSFieldEvent | AdmissionRedemptionInvitationUsesFieldEvent | AdmissionRedemptionInvitationLabelFieldEvent | AdmissionRedemptionInvitationSignatureFieldEvent | AdmissionRedemptionProofFieldEvent>;
}
export interface Refusal {
    reason: string;
    admissions: Admission[];
    order?: Envelope;
}
export declare namespace Refusal {
    const codec: () => Codec<Refusal>;
    interface RefusalReasonFieldEvent {
        field: '$.reason';
        value: string;
    }
    interface RefusalAdmissionsPeerFieldEvent {
        field: '$.admissions[].peer';
        value: string;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationRunFieldEvent {
        field: '$.admissions[].redemption.invitation.run';
        value: Uint8Array;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationIdFieldEvent {
        field: '$.admissions[].redemption.invitation.id';
        value: Uint8Array;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationExpiresAtSFieldEvent {
        field: '$.admissions[].redemption.invitation.expiresAtS';
        value: number;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationUsesFieldEvent {
        field: '$.admissions[].redemption.invitation.uses';
        value: number;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationLabelFieldEvent {
        field: '$.admissions[].redemption.invitation.label';
        value: string;
        index: number;
    }
    interface RefusalAdmissionsRedemptionInvitationSignatureFieldEvent {
        field: '$.admissions[].redemption.invitation.signature';
        value: Uint8Array;
        index: number;
    }
    interface RefusalAdmissionsRedemptionProofFieldEvent {
        field: '$.admissions[].redemption.proof';
        value: Uint8Array;
        index: number;
    }
    interface RefusalOrderTypeFieldEvent {
        field: '$.order.type';
        value: string;
    }
    interface RefusalOrderContextVersionFieldEvent {
        field: '$.order.context.version';
        value: string;
    }
    interface RefusalOrderContextRunFieldEvent {
        field: '$.order.context.run';
        value: Uint8Array;
    }
    interface RefusalOrderContextPreviousLinkFieldEvent {
        field: '$.order.context.previousLink';
        value: Uint8Array;
    }
    interface RefusalOrderContextRoundFieldEvent {
        field: '$.order.context.round';
        value: number;
    }
    interface RefusalOrderContextAttemptFieldEvent {
        field: '$.order.context.attempt';
        value: number;
    }
    interface RefusalOrderContextRosterHashFieldEvent {
        field: '$.order.context.rosterHash';
        value: Uint8Array;
    }
    interface RefusalOrderContextBaseModelFieldEvent {
        field: '$.order.context.baseModel';
        value: Uint8Array;
    }
    interface RefusalOrderContextEncodingHashFieldEvent {
        field: '$.order.context.encodingHash';
        value: Uint8Array;
    }
    interface RefusalOrderContextCohortFieldEvent {
        field: '$.order.context.cohort';
        value: string;
    }
    interface RefusalOrderPayloadFieldEvent {
        field: '$.order.payload';
        value: Uint8Array;
    }
    interface RefusalOrderSenderFieldEvent {
        field: '$.order.sender';
        value: Uint8Array;
    }
    interface RefusalOrderSignatureFieldEvent {
        field: '$.order.signature';
        value: Uint8Array;
    }
    function encode(obj: Partial<Refusal>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refusal>): Refusal;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refusal>): Generator<RefusalReasonFieldEvent | RefusalAdmissionsPeerFieldEvent | RefusalAdmissionsRedemptionInvitationRunFieldEvent | RefusalAdmissionsRedemptionInvitationIdFieldEvent | RefusalAdmissionsRedemptionInvitationExpiresAtSFieldEvent | RefusalAdmissionsRedemptionInvitationUsesFieldEvent | RefusalAdmissionsRedemptionInvitationLabelFieldEvent | RefusalAdmissionsRedemptionInvitationSignatureFieldEvent | RefusalAdmissionsRedemptionProofFieldEvent | RefusalOrderTypeFieldEvent | RefusalOrderContextVersionFieldEvent | RefusalOrderContextRunFieldEvent | RefusalOrderContextPreviousLinkFieldEvent | RefusalOrderContextRoundFieldEvent | RefusalOrderContextAttemptFieldEvent | RefusalOrderContextRosterHashFieldEvent | RefusalOrderContextBaseModelFieldEvent | RefusalOrderContextEncodingHashFieldEvent | RefusalOrderContextCohortFieldEvent | RefusalOrderPayloadFieldEvent | RefusalOrderSenderFieldEvent | RefusalOrderSignatureFieldEvent>;
}
export interface Order {
    kind: string;
    invitation: Uint8Array;
}
export declare namespace Order {
    const codec: () => Codec<Order>;
    interface OrderKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface OrderInvitationFieldEvent {
        field: '$.invitation';
        value: Uint8Array;
    }
    function encode(obj: Partial<Order>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Order>): Order;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Order>): Generator<OrderKindFieldEvent | OrderInvitationFieldEvent>;
}
export interface Founding {
    registrations: Envelope[];
}
export declare namespace Founding {
    const codec: () => Codec<Founding>;
    interface FoundingRegistrationsTypeFieldEvent {
        field: '$.registrations[].type';
        value: string;
        index: number;
    }
    interface FoundingRegistrationsContextVersionFieldEvent {
        field: '$.registrations[].context.version';
        value: string;
        index: number;
    }
    interface FoundingRegistrationsContextRunFieldEvent {
        field: '$.registrations[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsContextPreviousLinkFieldEvent {
        field: '$.registrations[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsContextRoundFieldEvent {
        field: '$.registrations[].context.round';
        value: number;
        index: number;
    }
    interface FoundingRegistrationsContextAttemptFieldEvent {
        field: '$.registrations[].context.attempt';
        value: number;
        index: number;
    }
    interface FoundingRegistrationsContextRosterHashFieldEvent {
        field: '$.registrations[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsContextBaseModelFieldEvent {
        field: '$.registrations[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsContextEncodingHashFieldEvent {
        field: '$.registrations[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsContextCohortFieldEvent {
        field: '$.registrations[].context.cohort';
        value: string;
        index: number;
    }
    interface FoundingRegistrationsPayloadFieldEvent {
        field: '$.registrations[].payload';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsSenderFieldEvent {
        field: '$.registrations[].sender';
        value: Uint8Array;
        index: number;
    }
    interface FoundingRegistrationsSignatureFieldEvent {
        field: '$.registrations[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<Founding>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Founding>): Founding;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Founding>): Generator<FoundingRegistrationsTypeFieldEvent | FoundingRegistrationsContextVersionFieldEvent | FoundingRegistrationsContextRunFieldEvent | FoundingRegistrationsContextPreviousLinkFieldEvent | FoundingRegistrationsContextRoundFieldEvent | FoundingRegistrationsContextAttemptFieldEvent | FoundingRegistrationsContextRosterHashFieldEvent | FoundingRegistrationsContextBaseModelFieldEvent | FoundingRegistrationsContextEncodingHashFieldEvent | FoundingRegistrationsContextCohortFieldEvent | FoundingRegistrationsPayloadFieldEvent | FoundingRegistrationsSenderFieldEvent | FoundingRegistrationsSignatureFieldEvent>;
}
export interface Tip {
    height: number;
    linkHash: Uint8Array;
    phase: string;
}
export declare namespace Tip {
    const codec: () => Codec<Tip>;
    interface TipHeightFieldEvent {
        field: '$.height';
        value: number;
    }
    interface TipLinkHashFieldEvent {
        field: '$.linkHash';
        value: Uint8Array;
    }
    interface TipPhaseFieldEvent {
        field: '$.phase';
        value: string;
    }
    function encode(obj: Partial<Tip>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Tip>): Tip;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Tip>): Generator<TipHeightFieldEvent | TipLinkHashFieldEvent | TipPhaseFieldEvent>;
}
export interface AdvertiseKeys {
    maskKey: Uint8Array;
    encryptionKey: Uint8Array;
    selfSeedHash: Uint8Array;
}
export declare namespace AdvertiseKeys {
    const codec: () => Codec<AdvertiseKeys>;
    interface AdvertiseKeysMaskKeyFieldEvent {
        field: '$.maskKey';
        value: Uint8Array;
    }
    interface AdvertiseKeysEncryptionKeyFieldEvent {
        field: '$.encryptionKey';
        value: Uint8Array;
    }
    interface AdvertiseKeysSelfSeedHashFieldEvent {
        field: '$.selfSeedHash';
        value: Uint8Array;
    }
    function encode(obj: Partial<AdvertiseKeys>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdvertiseKeys>): AdvertiseKeys;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdvertiseKeys>): Generator<AdvertiseKeysMaskKeyFieldEvent | AdvertiseKeysEncryptionKeyFieldEvent | AdvertiseKeysSelfSeedHashFieldEvent>;
}
export interface SealedShare {
    sealed: Uint8Array;
    seedShareHash: Uint8Array;
    keyShareHash: Uint8Array;
}
export declare namespace SealedShare {
    const codec: () => Codec<SealedShare>;
    interface SealedShareSealedFieldEvent {
        field: '$.sealed';
        value: Uint8Array;
    }
    interface SealedShareSeedShareHashFieldEvent {
        field: '$.seedShareHash';
        value: Uint8Array;
    }
    interface SealedShareKeyShareHashFieldEvent {
        field: '$.keyShareHash';
        value: Uint8Array;
    }
    function encode(obj: Partial<SealedShare>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SealedShare>): SealedShare;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SealedShare>): Generator<SealedShareSealedFieldEvent | SealedShareSeedShareHashFieldEvent | SealedShareKeyShareHashFieldEvent>;
}
export interface ShareKeys {
    shares: SealedShare[];
}
export declare namespace ShareKeys {
    const codec: () => Codec<ShareKeys>;
    interface ShareKeysSharesSealedFieldEvent {
        field: '$.shares[].sealed';
        value: Uint8Array;
        index: number;
    }
    interface ShareKeysSharesSeedShareHashFieldEvent {
        field: '$.shares[].seedShareHash';
        value: Uint8Array;
        index: number;
    }
    interface ShareKeysSharesKeyShareHashFieldEvent {
        field: '$.shares[].keyShareHash';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<ShareKeys>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ShareKeys>): ShareKeys;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ShareKeys>): Generator<ShareKeysSharesSealedFieldEvent | ShareKeysSharesSeedShareHashFieldEvent | ShareKeysSharesKeyShareHashFieldEvent>;
}
export interface MessageRef {
    index: number;
    hash: Uint8Array;
}
export declare namespace MessageRef {
    const codec: () => Codec<MessageRef>;
    interface MessageRefIndexFieldEvent {
        field: '$.index';
        value: number;
    }
    interface MessageRefHashFieldEvent {
        field: '$.hash';
        value: Uint8Array;
    }
    function encode(obj: Partial<MessageRef>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MessageRef>): MessageRef;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MessageRef>): Generator<MessageRefIndexFieldEvent | MessageRefHashFieldEvent>;
}
export interface ShareAck {
    dealers: MessageRef[];
}
export declare namespace ShareAck {
    const codec: () => Codec<ShareAck>;
    interface ShareAckDealersIndexFieldEvent {
        field: '$.dealers[].index';
        value: number;
        index: number;
    }
    interface ShareAckDealersHashFieldEvent {
        field: '$.dealers[].hash';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<ShareAck>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ShareAck>): ShareAck;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ShareAck>): Generator<ShareAckDealersIndexFieldEvent | ShareAckDealersHashFieldEvent>;
}
export interface MaskedInput {
    sharesHash: Uint8Array;
    address: Uint8Array;
    length: number;
}
export declare namespace MaskedInput {
    const codec: () => Codec<MaskedInput>;
    interface MaskedInputSharesHashFieldEvent {
        field: '$.sharesHash';
        value: Uint8Array;
    }
    interface MaskedInputAddressFieldEvent {
        field: '$.address';
        value: Uint8Array;
    }
    interface MaskedInputLengthFieldEvent {
        field: '$.length';
        value: number;
    }
    function encode(obj: Partial<MaskedInput>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MaskedInput>): MaskedInput;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MaskedInput>): Generator<MaskedInputSharesHashFieldEvent | MaskedInputAddressFieldEvent | MaskedInputLengthFieldEvent>;
}
export interface Inventory {
    headers: MessageRef[];
}
export declare namespace Inventory {
    const codec: () => Codec<Inventory>;
    interface InventoryHeadersIndexFieldEvent {
        field: '$.headers[].index';
        value: number;
        index: number;
    }
    interface InventoryHeadersHashFieldEvent {
        field: '$.headers[].hash';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<Inventory>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Inventory>): Inventory;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Inventory>): Generator<InventoryHeadersIndexFieldEvent | InventoryHeadersHashFieldEvent>;
}
export interface Attestation {
    valueHash: Uint8Array;
    sumAddress: Uint8Array;
}
export declare namespace Attestation {
    const codec: () => Codec<Attestation>;
    interface AttestationValueHashFieldEvent {
        field: '$.valueHash';
        value: Uint8Array;
    }
    interface AttestationSumAddressFieldEvent {
        field: '$.sumAddress';
        value: Uint8Array;
    }
    function encode(obj: Partial<Attestation>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attestation>): Attestation;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attestation>): Generator<AttestationValueHashFieldEvent | AttestationSumAddressFieldEvent>;
}
export interface UnmaskBundle {
    survivorsHash: Uint8Array;
    seedShares: Uint8Array[];
    keyShares: Uint8Array[];
    sharesHash: Uint8Array;
    seedDealers: number[];
    keyDealers: number[];
}
export declare namespace UnmaskBundle {
    const codec: () => Codec<UnmaskBundle>;
    interface UnmaskBundleSurvivorsHashFieldEvent {
        field: '$.survivorsHash';
        value: Uint8Array;
    }
    interface UnmaskBundleSeedSharesFieldEvent {
        field: '$.seedShares[]';
        index: number;
        value: Uint8Array;
    }
    interface UnmaskBundleKeySharesFieldEvent {
        field: '$.keyShares[]';
        index: number;
        value: Uint8Array;
    }
    interface UnmaskBundleSharesHashFieldEvent {
        field: '$.sharesHash';
        value: Uint8Array;
    }
    interface UnmaskBundleSeedDealersFieldEvent {
        field: '$.seedDealers[]';
        index: number;
        value: number;
    }
    interface UnmaskBundleKeyDealersFieldEvent {
        field: '$.keyDealers[]';
        index: number;
        value: number;
    }
    function encode(obj: Partial<UnmaskBundle>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UnmaskBundle>): UnmaskBundle;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UnmaskBundle>): Generator<UnmaskBundleSurvivorsHashFieldEvent | UnmaskBundleSeedSharesFieldEvent | UnmaskBundleKeySharesFieldEvent | UnmaskBundleSharesHashFieldEvent | UnmaskBundleSeedDealersFieldEvent | UnmaskBundleKeyDealersFieldEvent>;
}
export interface Vote {
    subject: string;
    view: number;
    valueHash: Uint8Array;
}
export declare namespace Vote {
    const codec: () => Codec<Vote>;
    interface VoteSubjectFieldEvent {
        field: '$.subject';
        value: string;
    }
    interface VoteViewFieldEvent {
        field: '$.view';
        value: number;
    }
    interface VoteValueHashFieldEvent {
        field: '$.valueHash';
        value: Uint8Array;
    }
    function encode(obj: Partial<Vote>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Vote>): Vote;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Vote>): Generator<VoteSubjectFieldEvent | VoteViewFieldEvent | VoteValueHashFieldEvent>;
}
export interface VoteSignature {
    index: number;
    signature: Uint8Array;
}
export declare namespace VoteSignature {
    const codec: () => Codec<VoteSignature>;
    interface VoteSignatureIndexFieldEvent {
        field: '$.index';
        value: number;
    }
    interface VoteSignatureSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array;
    }
    function encode(obj: Partial<VoteSignature>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<VoteSignature>): VoteSignature;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<VoteSignature>): Generator<VoteSignatureIndexFieldEvent | VoteSignatureSignatureFieldEvent>;
}
export interface Certificate {
    kind: string;
    subject: string;
    view: number;
    valueHash: Uint8Array;
    signatures: VoteSignature[];
}
export declare namespace Certificate {
    const codec: () => Codec<Certificate>;
    interface CertificateKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface CertificateSubjectFieldEvent {
        field: '$.subject';
        value: string;
    }
    interface CertificateViewFieldEvent {
        field: '$.view';
        value: number;
    }
    interface CertificateValueHashFieldEvent {
        field: '$.valueHash';
        value: Uint8Array;
    }
    interface CertificateSignaturesIndexFieldEvent {
        field: '$.signatures[].index';
        value: number;
        index: number;
    }
    interface CertificateSignaturesSignatureFieldEvent {
        field: '$.signatures[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<Certificate>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Certificate>): Certificate;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Certificate>): Generator<CertificateKindFieldEvent | CertificateSubjectFieldEvent | CertificateViewFieldEvent | CertificateValueHashFieldEvent | CertificateSignaturesIndexFieldEvent | CertificateSignaturesSignatureFieldEvent>;
}
export interface CertifiedDecision {
    certificate?: Certificate;
    decision: Uint8Array;
}
export declare namespace CertifiedDecision {
    const codec: () => Codec<CertifiedDecision>;
    interface CertifiedDecisionCertificateKindFieldEvent {
        field: '$.certificate.kind';
        value: string;
    }
    interface CertifiedDecisionCertificateSubjectFieldEvent {
        field: '$.certificate.subject';
        value: string;
    }
    interface CertifiedDecisionCertificateViewFieldEvent {
        field: '$.certificate.view';
        value: number;
    }
    interface CertifiedDecisionCertificateValueHashFieldEvent {
        field: '$.certificate.valueHash';
        value: Uint8Array;
    }
    interface CertifiedDecisionCertificateSignaturesIndexFieldEvent {
        field: '$.certificate.signatures[].index';
        value: number;
        index: number;
    }
    interface CertifiedDecisionCertificateSignaturesSignatureFieldEvent {
        field: '$.certificate.signatures[].signature';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedDecisionDecisionFieldEvent {
        field: '$.decision';
        value: Uint8Array;
    }
    function encode(obj: Partial<CertifiedDecision>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CertifiedDecision>): CertifiedDecision;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CertifiedDecision>): Generator<CertifiedDecisionCertificateKindFieldEvent | CertifiedDecisionCertificateSubjectFieldEvent | CertifiedDecisionCertificateViewFieldEvent | CertifiedDecisionCertificateValueHashFieldEvent | CertifiedDecisionCertificateSignaturesIndexFieldEvent | CertifiedDecisionCertificateSignaturesSignatureFieldEvent | CertifiedDecisionDecisionFieldEvent>;
}
export interface NewView {
    subject: string;
    view: number;
    prepared?: Certificate;
}
export declare namespace NewView {
    const codec: () => Codec<NewView>;
    interface NewViewSubjectFieldEvent {
        field: '$.subject';
        value: string;
    }
    interface NewViewViewFieldEvent {
        field: '$.view';
        value: number;
    }
    interface NewViewPreparedKindFieldEvent {
        field: '$.prepared.kind';
        value: string;
    }
    interface NewViewPreparedSubjectFieldEvent {
        field: '$.prepared.subject';
        value: string;
    }
    interface NewViewPreparedViewFieldEvent {
        field: '$.prepared.view';
        value: number;
    }
    interface NewViewPreparedValueHashFieldEvent {
        field: '$.prepared.valueHash';
        value: Uint8Array;
    }
    interface NewViewPreparedSignaturesIndexFieldEvent {
        field: '$.prepared.signatures[].index';
        value: number;
        index: number;
    }
    interface NewViewPreparedSignaturesSignatureFieldEvent {
        field: '$.prepared.signatures[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<NewView>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NewView>): NewView;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NewView>): Generator<NewViewSubjectFieldEvent | NewViewViewFieldEvent | NewViewPreparedKindFieldEvent | NewViewPreparedSubjectFieldEvent | NewViewPreparedViewFieldEvent | NewViewPreparedValueHashFieldEvent | NewViewPreparedSignaturesIndexFieldEvent | NewViewPreparedSignaturesSignatureFieldEvent>;
}
export interface Proposal {
    subject: string;
    view: number;
    decision: Uint8Array;
    newViews: Envelope[];
}
export declare namespace Proposal {
    const codec: () => Codec<Proposal>;
    interface ProposalSubjectFieldEvent {
        field: '$.subject';
        value: string;
    }
    interface ProposalViewFieldEvent {
        field: '$.view';
        value: number;
    }
    interface ProposalDecisionFieldEvent {
        field: '$.decision';
        value: Uint8Array;
    }
    interface ProposalNewViewsTypeFieldEvent {
        field: '$.newViews[].type';
        value: string;
        index: number;
    }
    interface ProposalNewViewsContextVersionFieldEvent {
        field: '$.newViews[].context.version';
        value: string;
        index: number;
    }
    interface ProposalNewViewsContextRunFieldEvent {
        field: '$.newViews[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsContextPreviousLinkFieldEvent {
        field: '$.newViews[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsContextRoundFieldEvent {
        field: '$.newViews[].context.round';
        value: number;
        index: number;
    }
    interface ProposalNewViewsContextAttemptFieldEvent {
        field: '$.newViews[].context.attempt';
        value: number;
        index: number;
    }
    interface ProposalNewViewsContextRosterHashFieldEvent {
        field: '$.newViews[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsContextBaseModelFieldEvent {
        field: '$.newViews[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsContextEncodingHashFieldEvent {
        field: '$.newViews[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsContextCohortFieldEvent {
        field: '$.newViews[].context.cohort';
        value: string;
        index: number;
    }
    interface ProposalNewViewsPayloadFieldEvent {
        field: '$.newViews[].payload';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsSenderFieldEvent {
        field: '$.newViews[].sender';
        value: Uint8Array;
        index: number;
    }
    interface ProposalNewViewsSignatureFieldEvent {
        field: '$.newViews[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<Proposal>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Proposal>): Proposal;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Proposal>): Generator<ProposalSubjectFieldEvent | ProposalViewFieldEvent | ProposalDecisionFieldEvent | ProposalNewViewsTypeFieldEvent | ProposalNewViewsContextVersionFieldEvent | ProposalNewViewsContextRunFieldEvent | ProposalNewViewsContextPreviousLinkFieldEvent | ProposalNewViewsContextRoundFieldEvent | ProposalNewViewsContextAttemptFieldEvent | ProposalNewViewsContextRosterHashFieldEvent | ProposalNewViewsContextBaseModelFieldEvent | ProposalNewViewsContextEncodingHashFieldEvent | ProposalNewViewsContextCohortFieldEvent | ProposalNewViewsPayloadFieldEvent | ProposalNewViewsSenderFieldEvent | ProposalNewViewsSignatureFieldEvent>;
}
export interface RosterDecision {
    proposer: number;
    advertised: Envelope[];
}
export declare namespace RosterDecision {
    const codec: () => Codec<RosterDecision>;
    interface RosterDecisionProposerFieldEvent {
        field: '$.proposer';
        value: number;
    }
    interface RosterDecisionAdvertisedTypeFieldEvent {
        field: '$.advertised[].type';
        value: string;
        index: number;
    }
    interface RosterDecisionAdvertisedContextVersionFieldEvent {
        field: '$.advertised[].context.version';
        value: string;
        index: number;
    }
    interface RosterDecisionAdvertisedContextRunFieldEvent {
        field: '$.advertised[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedContextPreviousLinkFieldEvent {
        field: '$.advertised[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedContextRoundFieldEvent {
        field: '$.advertised[].context.round';
        value: number;
        index: number;
    }
    interface RosterDecisionAdvertisedContextAttemptFieldEvent {
        field: '$.advertised[].context.attempt';
        value: number;
        index: number;
    }
    interface RosterDecisionAdvertisedContextRosterHashFieldEvent {
        field: '$.advertised[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedContextBaseModelFieldEvent {
        field: '$.advertised[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedContextEncodingHashFieldEvent {
        field: '$.advertised[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedContextCohortFieldEvent {
        field: '$.advertised[].context.cohort';
        value: string;
        index: number;
    }
    interface RosterDecisionAdvertisedPayloadFieldEvent {
        field: '$.advertised[].payload';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedSenderFieldEvent {
        field: '$.advertised[].sender';
        value: Uint8Array;
        index: number;
    }
    interface RosterDecisionAdvertisedSignatureFieldEvent {
        field: '$.advertised[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<RosterDecision>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RosterDecision>): RosterDecision;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RosterDecision>): Generator<RosterDecisionProposerFieldEvent | RosterDecisionAdvertisedTypeFieldEvent | RosterDecisionAdvertisedContextVersionFieldEvent | RosterDecisionAdvertisedContextRunFieldEvent | RosterDecisionAdvertisedContextPreviousLinkFieldEvent | RosterDecisionAdvertisedContextRoundFieldEvent | RosterDecisionAdvertisedContextAttemptFieldEvent | RosterDecisionAdvertisedContextRosterHashFieldEvent | RosterDecisionAdvertisedContextBaseModelFieldEvent | RosterDecisionAdvertisedContextEncodingHashFieldEvent | RosterDecisionAdvertisedContextCohortFieldEvent | RosterDecisionAdvertisedPayloadFieldEvent | RosterDecisionAdvertisedSenderFieldEvent | RosterDecisionAdvertisedSignatureFieldEvent>;
}
export interface SharesDecision {
    proposer: number;
    dealers: MessageRef[];
}
export declare namespace SharesDecision {
    const codec: () => Codec<SharesDecision>;
    interface SharesDecisionProposerFieldEvent {
        field: '$.proposer';
        value: number;
    }
    interface SharesDecisionDealersIndexFieldEvent {
        field: '$.dealers[].index';
        value: number;
        index: number;
    }
    interface SharesDecisionDealersHashFieldEvent {
        field: '$.dealers[].hash';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<SharesDecision>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SharesDecision>): SharesDecision;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SharesDecision>): Generator<SharesDecisionProposerFieldEvent | SharesDecisionDealersIndexFieldEvent | SharesDecisionDealersHashFieldEvent>;
}
export interface SurvivorsDecision {
    proposer: number;
    inventories: Envelope[];
    headers: Envelope[];
    nextMembers: string[];
    registrations: Envelope[];
    expulsions: Expulsion[];
    orders: Envelope[];
}
export declare namespace SurvivorsDecision {
    const codec: () => Codec<SurvivorsDecision>;
    interface SurvivorsDecisionProposerFieldEvent {
        field: '$.proposer';
        value: number;
    }
    interface SurvivorsDecisionInventoriesTypeFieldEvent {
        field: '$.inventories[].type';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextVersionFieldEvent {
        field: '$.inventories[].context.version';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextRunFieldEvent {
        field: '$.inventories[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextPreviousLinkFieldEvent {
        field: '$.inventories[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextRoundFieldEvent {
        field: '$.inventories[].context.round';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextAttemptFieldEvent {
        field: '$.inventories[].context.attempt';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextRosterHashFieldEvent {
        field: '$.inventories[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextBaseModelFieldEvent {
        field: '$.inventories[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextEncodingHashFieldEvent {
        field: '$.inventories[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesContextCohortFieldEvent {
        field: '$.inventories[].context.cohort';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionInventoriesPayloadFieldEvent {
        field: '$.inventories[].payload';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesSenderFieldEvent {
        field: '$.inventories[].sender';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionInventoriesSignatureFieldEvent {
        field: '$.inventories[].signature';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersTypeFieldEvent {
        field: '$.headers[].type';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextVersionFieldEvent {
        field: '$.headers[].context.version';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextRunFieldEvent {
        field: '$.headers[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextPreviousLinkFieldEvent {
        field: '$.headers[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextRoundFieldEvent {
        field: '$.headers[].context.round';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextAttemptFieldEvent {
        field: '$.headers[].context.attempt';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextRosterHashFieldEvent {
        field: '$.headers[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextBaseModelFieldEvent {
        field: '$.headers[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextEncodingHashFieldEvent {
        field: '$.headers[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersContextCohortFieldEvent {
        field: '$.headers[].context.cohort';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionHeadersPayloadFieldEvent {
        field: '$.headers[].payload';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersSenderFieldEvent {
        field: '$.headers[].sender';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionHeadersSignatureFieldEvent {
        field: '$.headers[].signature';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionNextMembersFieldEvent {
        field: '$.nextMembers[]';
        index: number;
        value: string;
    }
    interface SurvivorsDecisionRegistrationsTypeFieldEvent {
        field: '$.registrations[].type';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextVersionFieldEvent {
        field: '$.registrations[].context.version';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextRunFieldEvent {
        field: '$.registrations[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextPreviousLinkFieldEvent {
        field: '$.registrations[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextRoundFieldEvent {
        field: '$.registrations[].context.round';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextAttemptFieldEvent {
        field: '$.registrations[].context.attempt';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextRosterHashFieldEvent {
        field: '$.registrations[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextBaseModelFieldEvent {
        field: '$.registrations[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextEncodingHashFieldEvent {
        field: '$.registrations[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsContextCohortFieldEvent {
        field: '$.registrations[].context.cohort';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsPayloadFieldEvent {
        field: '$.registrations[].payload';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsSenderFieldEvent {
        field: '$.registrations[].sender';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionRegistrationsSignatureFieldEvent {
        field: '$.registrations[].signature';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionExpulsionsPeerFieldEvent {
        field: '$.expulsions[].peer';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionExpulsionsKindFieldEvent {
        field: '$.expulsions[].kind';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionExpulsionsEvidenceHashFieldEvent {
        field: '$.expulsions[].evidenceHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersTypeFieldEvent {
        field: '$.orders[].type';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextVersionFieldEvent {
        field: '$.orders[].context.version';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextRunFieldEvent {
        field: '$.orders[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextPreviousLinkFieldEvent {
        field: '$.orders[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextRoundFieldEvent {
        field: '$.orders[].context.round';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextAttemptFieldEvent {
        field: '$.orders[].context.attempt';
        value: number;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextRosterHashFieldEvent {
        field: '$.orders[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextBaseModelFieldEvent {
        field: '$.orders[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextEncodingHashFieldEvent {
        field: '$.orders[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersContextCohortFieldEvent {
        field: '$.orders[].context.cohort';
        value: string;
        index: number;
    }
    interface SurvivorsDecisionOrdersPayloadFieldEvent {
        field: '$.orders[].payload';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersSenderFieldEvent {
        field: '$.orders[].sender';
        value: Uint8Array;
        index: number;
    }
    interface SurvivorsDecisionOrdersSignatureFieldEvent {
        field: '$.orders[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<SurvivorsDecision>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SurvivorsDecision>): SurvivorsDecision;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SurvivorsDecision>): Generator<SurvivorsDecisionProposerFieldEvent | SurvivorsDecisionInventoriesTypeFieldEvent | SurvivorsDecisionInventoriesContextVersionFieldEvent | SurvivorsDecisionInventoriesContextRunFieldEvent | SurvivorsDecisionInventoriesContextPreviousLinkFieldEvent | SurvivorsDecisionInventoriesContextRoundFieldEvent | SurvivorsDecisionInventoriesContextAttemptFieldEvent | SurvivorsDecisionInventoriesContextRosterHashFieldEvent | SurvivorsDecisionInventoriesContextBaseModelFieldEvent | SurvivorsDecisionInventoriesContextEncodingHashFieldEvent | SurvivorsDecisionInventoriesContextCohortFieldEvent | SurvivorsDecisionInventoriesPayloadFieldEvent | SurvivorsDecisionInventoriesSenderFieldEvent | SurvivorsDecisionInventoriesSignatureFieldEvent | SurvivorsDecisionHeadersTypeFieldEvent | SurvivorsDecisionHeadersContextVersionFieldEvent | SurvivorsDecisionHeadersContextRunFieldEvent | SurvivorsDecisionHeadersContextPreviousLinkFieldEvent | SurvivorsDecisionHeadersContextRoundFieldEvent | SurvivorsDecisionHeadersContextAttemptFieldEvent | SurvivorsDecisionHeadersContextRosterHashFieldEvent | SurvivorsDecisionHeadersContextBaseModelFieldEvent | SurvivorsDecisionHeadersContextEncodingHashFieldEvent | SurvivorsDecisionHeadersContextCohortFieldEvent | SurvivorsDecisionHeadersPayloadFieldEvent | SurvivorsDecisionHeadersSenderFieldEvent | SurvivorsDecisionHeadersSignatureFieldEvent | SurvivorsDecisionNextMembersFieldEvent | SurvivorsDecisionRegistrationsTypeFieldEvent | SurvivorsDecisionRegistrationsContextVersionFieldEvent | SurvivorsDecisionRegistrationsContextRunFieldEvent | SurvivorsDecisionRegistrationsContextPreviousLinkFieldEvent | SurvivorsDecisionRegistrationsContextRoundFieldEvent | SurvivorsDecisionRegistrationsContextAttemptFieldEvent | SurvivorsDecisionRegistrationsContextRosterHashFieldEvent | SurvivorsDecisionRegistrationsContextBaseModelFieldEvent | SurvivorsDecisionRegistrationsContextEncodingHashFieldEvent | SurvivorsDecisionRegistrationsContextCohortFieldEvent | SurvivorsDecisionRegistrationsPayloadFieldEvent | SurvivorsDecisionRegistrationsSenderFieldEvent | SurvivorsDecisionRegistrationsSignatureFieldEvent | SurvivorsDecisionExpulsionsPeerFieldEvent | SurvivorsDecisionExpulsionsKindFieldEvent | SurvivorsDecisionExpulsionsEvidenceHashFieldEvent | SurvivorsDecisionOrdersTypeFieldEvent | SurvivorsDecisionOrdersContextVersionFieldEvent | SurvivorsDecisionOrdersContextRunFieldEvent | SurvivorsDecisionOrdersContextPreviousLinkFieldEvent | SurvivorsDecisionOrdersContextRoundFieldEvent | SurvivorsDecisionOrdersContextAttemptFieldEvent | SurvivorsDecisionOrdersContextRosterHashFieldEvent | SurvivorsDecisionOrdersContextBaseModelFieldEvent | SurvivorsDecisionOrdersContextEncodingHashFieldEvent | SurvivorsDecisionOrdersContextCohortFieldEvent | SurvivorsDecisionOrdersPayloadFieldEvent | SurvivorsDecisionOrdersSenderFieldEvent | SurvivorsDecisionOrdersSignatureFieldEvent>;
}
export interface Survivor {
    peer: string;
    address: Uint8Array;
}
export declare namespace Survivor {
    const codec: () => Codec<Survivor>;
    interface SurvivorPeerFieldEvent {
        field: '$.peer';
        value: string;
    }
    interface SurvivorAddressFieldEvent {
        field: '$.address';
        value: Uint8Array;
    }
    function encode(obj: Partial<Survivor>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Survivor>): Survivor;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Survivor>): Generator<SurvivorPeerFieldEvent | SurvivorAddressFieldEvent>;
}
export interface LinkBody {
    height: number;
    kind: string;
    run: Uint8Array;
    previous: Uint8Array;
    round: number;
    attempt: number;
    cohort: string[];
    rosterHash: Uint8Array;
    encodingHash: Uint8Array;
    survivors: Survivor[];
    members: string[];
    stateHash: Uint8Array;
    beacon: Uint8Array;
    completedRounds: number;
    weightSum: number;
    meanLoss: number;
    epsilonSpent: number;
    expulsions: Expulsion[];
    reason: string;
    children: Uint8Array[];
    node?: string;
    admissions: Admission[];
    orders: Envelope[];
}
export declare namespace LinkBody {
    const codec: () => Codec<LinkBody>;
    interface LinkBodyHeightFieldEvent {
        field: '$.height';
        value: number;
    }
    interface LinkBodyKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface LinkBodyRunFieldEvent {
        field: '$.run';
        value: Uint8Array;
    }
    interface LinkBodyPreviousFieldEvent {
        field: '$.previous';
        value: Uint8Array;
    }
    interface LinkBodyRoundFieldEvent {
        field: '$.round';
        value: number;
    }
    interface LinkBodyAttemptFieldEvent {
        field: '$.attempt';
        value: number;
    }
    interface LinkBodyCohortFieldEvent {
        field: '$.cohort[]';
        index: number;
        value: string;
    }
    interface LinkBodyRosterHashFieldEvent {
        field: '$.rosterHash';
        value: Uint8Array;
    }
    interface LinkBodyEncodingHashFieldEvent {
        field: '$.encodingHash';
        value: Uint8Array;
    }
    interface LinkBodySurvivorsPeerFieldEvent {
        field: '$.survivors[].peer';
        value: string;
        index: number;
    }
    interface LinkBodySurvivorsAddressFieldEvent {
        field: '$.survivors[].address';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyMembersFieldEvent {
        field: '$.members[]';
        index: number;
        value: string;
    }
    interface LinkBodyStateHashFieldEvent {
        field: '$.stateHash';
        value: Uint8Array;
    }
    interface LinkBodyBeaconFieldEvent {
        field: '$.beacon';
        value: Uint8Array;
    }
    interface LinkBodyCompletedRoundsFieldEvent {
        field: '$.completedRounds';
        value: number;
    }
    interface LinkBodyWeightSumFieldEvent {
        field: '$.weightSum';
        value: number;
    }
    interface LinkBodyMeanLossFieldEvent {
        field: '$.meanLoss';
        value: number;
    }
    interface LinkBodyEpsilonSpentFieldEvent {
        field: '$.epsilonSpent';
        value: number;
    }
    interface LinkBodyExpulsionsPeerFieldEvent {
        field: '$.expulsions[].peer';
        value: string;
        index: number;
    }
    interface LinkBodyExpulsionsKindFieldEvent {
        field: '$.expulsions[].kind';
        value: string;
        index: number;
    }
    interface LinkBodyExpulsionsEvidenceHashFieldEvent {
        field: '$.expulsions[].evidenceHash';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyReasonFieldEvent {
        field: '$.reason';
        value: string;
    }
    interface LinkBodyChildrenFieldEvent {
        field: '$.children[]';
        index: number;
        value: Uint8Array;
    }
    interface LinkBodyNodeFieldEvent {
        field: '$.node';
        value: string;
    }
    interface LinkBodyAdmissionsPeerFieldEvent {
        field: '$.admissions[].peer';
        value: string;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationRunFieldEvent {
        field: '$.admissions[].redemption.invitation.run';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationIdFieldEvent {
        field: '$.admissions[].redemption.invitation.id';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationExpiresAtSFieldEvent {
        field: '$.admissions[].redemption.invitation.expiresAtS';
        value: number;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationUsesFieldEvent {
        field: '$.admissions[].redemption.invitation.uses';
        value: number;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationLabelFieldEvent {
        field: '$.admissions[].redemption.invitation.label';
        value: string;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionInvitationSignatureFieldEvent {
        field: '$.admissions[].redemption.invitation.signature';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyAdmissionsRedemptionProofFieldEvent {
        field: '$.admissions[].redemption.proof';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersTypeFieldEvent {
        field: '$.orders[].type';
        value: string;
        index: number;
    }
    interface LinkBodyOrdersContextVersionFieldEvent {
        field: '$.orders[].context.version';
        value: string;
        index: number;
    }
    interface LinkBodyOrdersContextRunFieldEvent {
        field: '$.orders[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersContextPreviousLinkFieldEvent {
        field: '$.orders[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersContextRoundFieldEvent {
        field: '$.orders[].context.round';
        value: number;
        index: number;
    }
    interface LinkBodyOrdersContextAttemptFieldEvent {
        field: '$.orders[].context.attempt';
        value: number;
        index: number;
    }
    interface LinkBodyOrdersContextRosterHashFieldEvent {
        field: '$.orders[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersContextBaseModelFieldEvent {
        field: '$.orders[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersContextEncodingHashFieldEvent {
        field: '$.orders[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersContextCohortFieldEvent {
        field: '$.orders[].context.cohort';
        value: string;
        index: number;
    }
    interface LinkBodyOrdersPayloadFieldEvent {
        field: '$.orders[].payload';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersSenderFieldEvent {
        field: '$.orders[].sender';
        value: Uint8Array;
        index: number;
    }
    interface LinkBodyOrdersSignatureFieldEvent {
        field: '$.orders[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<LinkBody>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LinkBody>): LinkBody;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LinkBody>): Generator<LinkBodyHeightFieldEvent | LinkBodyKindFieldEvent | LinkBodyRunFieldEvent | LinkBodyPreviousFieldEvent | LinkBodyRoundFieldEvent | LinkBodyAttemptFieldEvent | LinkBodyCohortFieldEvent | LinkBodyRosterHashFieldEvent | LinkBodyEncodingHashFieldEvent | LinkBodySurvivorsPeerFieldEvent | LinkBodySurvivorsAddressFieldEvent | LinkBodyMembersFieldEvent | LinkBodyStateHashFieldEvent | LinkBodyBeaconFieldEvent | LinkBodyCompletedRoundsFieldEvent | LinkBodyWeightSumFieldEvent | LinkBodyMeanLossFieldEvent | LinkBodyEpsilonSpentFieldEvent | LinkBodyExpulsionsPeerFieldEvent | LinkBodyExpulsionsKindFieldEvent | LinkBodyExpulsionsEvidenceHashFieldEvent | LinkBodyReasonFieldEvent | LinkBodyChildrenFieldEvent | LinkBodyNodeFieldEvent | LinkBodyAdmissionsPeerFieldEvent | LinkBodyAdmissionsRedemptionInvitationRunFieldEvent | LinkBodyAdmissionsRedemptionInvitationIdFieldEvent | LinkBodyAdmissionsRedemptionInvitationExpiresAtSFieldEvent | LinkBodyAdmissionsRedemptionInvitationUsesFieldEvent | LinkBodyAdmissionsRedemptionInvitationLabelFieldEvent | LinkBodyAdmissionsRedemptionInvitationSignatureFieldEvent | LinkBodyAdmissionsRedemptionProofFieldEvent | LinkBodyOrdersTypeFieldEvent | LinkBodyOrdersContextVersionFieldEvent | LinkBodyOrdersContextRunFieldEvent | LinkBodyOrdersContextPreviousLinkFieldEvent | LinkBodyOrdersContextRoundFieldEvent | LinkBodyOrdersContextAttemptFieldEvent | LinkBodyOrdersContextRosterHashFieldEvent | LinkBodyOrdersContextBaseModelFieldEvent | LinkBodyOrdersContextEncodingHashFieldEvent | LinkBodyOrdersContextCohortFieldEvent | LinkBodyOrdersPayloadFieldEvent | LinkBodyOrdersSenderFieldEvent | LinkBodyOrdersSignatureFieldEvent>;
}
export interface CohortSum {
    kind: string;
    rosterHash: Uint8Array;
    survivors: Survivor[];
    address: Uint8Array;
    length: number;
    beacon: Uint8Array;
    children: Uint8Array[];
}
export declare namespace CohortSum {
    const codec: () => Codec<CohortSum>;
    interface CohortSumKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface CohortSumRosterHashFieldEvent {
        field: '$.rosterHash';
        value: Uint8Array;
    }
    interface CohortSumSurvivorsPeerFieldEvent {
        field: '$.survivors[].peer';
        value: string;
        index: number;
    }
    interface CohortSumSurvivorsAddressFieldEvent {
        field: '$.survivors[].address';
        value: Uint8Array;
        index: number;
    }
    interface CohortSumAddressFieldEvent {
        field: '$.address';
        value: Uint8Array;
    }
    interface CohortSumLengthFieldEvent {
        field: '$.length';
        value: number;
    }
    interface CohortSumBeaconFieldEvent {
        field: '$.beacon';
        value: Uint8Array;
    }
    interface CohortSumChildrenFieldEvent {
        field: '$.children[]';
        index: number;
        value: Uint8Array;
    }
    function encode(obj: Partial<CohortSum>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CohortSum>): CohortSum;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CohortSum>): Generator<CohortSumKindFieldEvent | CohortSumRosterHashFieldEvent | CohortSumSurvivorsPeerFieldEvent | CohortSumSurvivorsAddressFieldEvent | CohortSumAddressFieldEvent | CohortSumLengthFieldEvent | CohortSumBeaconFieldEvent | CohortSumChildrenFieldEvent>;
}
export interface Decision {
    roster?: RosterDecision;
    shares?: SharesDecision;
    survivors?: SurvivorsDecision;
    link?: LinkBody;
    cohortSum?: CohortSum;
}
export declare namespace Decision {
    const codec: () => Codec<Decision>;
    interface DecisionRosterProposerFieldEvent {
        field: '$.roster.proposer';
        value: number;
    }
    interface DecisionRosterAdvertisedTypeFieldEvent {
        field: '$.roster.advertised[].type';
        value: string;
        index: number;
    }
    interface DecisionRosterAdvertisedContextVersionFieldEvent {
        field: '$.roster.advertised[].context.version';
        value: string;
        index: number;
    }
    interface DecisionRosterAdvertisedContextRunFieldEvent {
        field: '$.roster.advertised[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedContextPreviousLinkFieldEvent {
        field: '$.roster.advertised[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedContextRoundFieldEvent {
        field: '$.roster.advertised[].context.round';
        value: number;
        index: number;
    }
    interface DecisionRosterAdvertisedContextAttemptFieldEvent {
        field: '$.roster.advertised[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionRosterAdvertisedContextRosterHashFieldEvent {
        field: '$.roster.advertised[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedContextBaseModelFieldEvent {
        field: '$.roster.advertised[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedContextEncodingHashFieldEvent {
        field: '$.roster.advertised[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedContextCohortFieldEvent {
        field: '$.roster.advertised[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionRosterAdvertisedPayloadFieldEvent {
        field: '$.roster.advertised[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedSenderFieldEvent {
        field: '$.roster.advertised[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionRosterAdvertisedSignatureFieldEvent {
        field: '$.roster.advertised[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSharesProposerFieldEvent {
        field: '$.shares.proposer';
        value: number;
    }
    interface DecisionSharesDealersIndexFieldEvent {
        field: '$.shares.dealers[].index';
        value: number;
        index: number;
    }
    interface DecisionSharesDealersHashFieldEvent {
        field: '$.shares.dealers[].hash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsProposerFieldEvent {
        field: '$.survivors.proposer';
        value: number;
    }
    interface DecisionSurvivorsInventoriesTypeFieldEvent {
        field: '$.survivors.inventories[].type';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextVersionFieldEvent {
        field: '$.survivors.inventories[].context.version';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextRunFieldEvent {
        field: '$.survivors.inventories[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextPreviousLinkFieldEvent {
        field: '$.survivors.inventories[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextRoundFieldEvent {
        field: '$.survivors.inventories[].context.round';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextAttemptFieldEvent {
        field: '$.survivors.inventories[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextRosterHashFieldEvent {
        field: '$.survivors.inventories[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextBaseModelFieldEvent {
        field: '$.survivors.inventories[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextEncodingHashFieldEvent {
        field: '$.survivors.inventories[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesContextCohortFieldEvent {
        field: '$.survivors.inventories[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsInventoriesPayloadFieldEvent {
        field: '$.survivors.inventories[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesSenderFieldEvent {
        field: '$.survivors.inventories[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsInventoriesSignatureFieldEvent {
        field: '$.survivors.inventories[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersTypeFieldEvent {
        field: '$.survivors.headers[].type';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextVersionFieldEvent {
        field: '$.survivors.headers[].context.version';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextRunFieldEvent {
        field: '$.survivors.headers[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextPreviousLinkFieldEvent {
        field: '$.survivors.headers[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextRoundFieldEvent {
        field: '$.survivors.headers[].context.round';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextAttemptFieldEvent {
        field: '$.survivors.headers[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextRosterHashFieldEvent {
        field: '$.survivors.headers[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextBaseModelFieldEvent {
        field: '$.survivors.headers[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextEncodingHashFieldEvent {
        field: '$.survivors.headers[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersContextCohortFieldEvent {
        field: '$.survivors.headers[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsHeadersPayloadFieldEvent {
        field: '$.survivors.headers[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersSenderFieldEvent {
        field: '$.survivors.headers[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsHeadersSignatureFieldEvent {
        field: '$.survivors.headers[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsNextMembersFieldEvent {
        field: '$.survivors.nextMembers[]';
        index: number;
        value: string;
    }
    interface DecisionSurvivorsRegistrationsTypeFieldEvent {
        field: '$.survivors.registrations[].type';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextVersionFieldEvent {
        field: '$.survivors.registrations[].context.version';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextRunFieldEvent {
        field: '$.survivors.registrations[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextPreviousLinkFieldEvent {
        field: '$.survivors.registrations[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextRoundFieldEvent {
        field: '$.survivors.registrations[].context.round';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextAttemptFieldEvent {
        field: '$.survivors.registrations[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextRosterHashFieldEvent {
        field: '$.survivors.registrations[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextBaseModelFieldEvent {
        field: '$.survivors.registrations[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextEncodingHashFieldEvent {
        field: '$.survivors.registrations[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsContextCohortFieldEvent {
        field: '$.survivors.registrations[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsPayloadFieldEvent {
        field: '$.survivors.registrations[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsSenderFieldEvent {
        field: '$.survivors.registrations[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsRegistrationsSignatureFieldEvent {
        field: '$.survivors.registrations[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsExpulsionsPeerFieldEvent {
        field: '$.survivors.expulsions[].peer';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsExpulsionsKindFieldEvent {
        field: '$.survivors.expulsions[].kind';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsExpulsionsEvidenceHashFieldEvent {
        field: '$.survivors.expulsions[].evidenceHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersTypeFieldEvent {
        field: '$.survivors.orders[].type';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextVersionFieldEvent {
        field: '$.survivors.orders[].context.version';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextRunFieldEvent {
        field: '$.survivors.orders[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextPreviousLinkFieldEvent {
        field: '$.survivors.orders[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextRoundFieldEvent {
        field: '$.survivors.orders[].context.round';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextAttemptFieldEvent {
        field: '$.survivors.orders[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextRosterHashFieldEvent {
        field: '$.survivors.orders[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextBaseModelFieldEvent {
        field: '$.survivors.orders[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextEncodingHashFieldEvent {
        field: '$.survivors.orders[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersContextCohortFieldEvent {
        field: '$.survivors.orders[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionSurvivorsOrdersPayloadFieldEvent {
        field: '$.survivors.orders[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersSenderFieldEvent {
        field: '$.survivors.orders[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionSurvivorsOrdersSignatureFieldEvent {
        field: '$.survivors.orders[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkHeightFieldEvent {
        field: '$.link.height';
        value: number;
    }
    interface DecisionLinkKindFieldEvent {
        field: '$.link.kind';
        value: string;
    }
    interface DecisionLinkRunFieldEvent {
        field: '$.link.run';
        value: Uint8Array;
    }
    interface DecisionLinkPreviousFieldEvent {
        field: '$.link.previous';
        value: Uint8Array;
    }
    interface DecisionLinkRoundFieldEvent {
        field: '$.link.round';
        value: number;
    }
    interface DecisionLinkAttemptFieldEvent {
        field: '$.link.attempt';
        value: number;
    }
    interface DecisionLinkCohortFieldEvent {
        field: '$.link.cohort[]';
        index: number;
        value: string;
    }
    interface DecisionLinkRosterHashFieldEvent {
        field: '$.link.rosterHash';
        value: Uint8Array;
    }
    interface DecisionLinkEncodingHashFieldEvent {
        field: '$.link.encodingHash';
        value: Uint8Array;
    }
    interface DecisionLinkSurvivorsPeerFieldEvent {
        field: '$.link.survivors[].peer';
        value: string;
        index: number;
    }
    interface DecisionLinkSurvivorsAddressFieldEvent {
        field: '$.link.survivors[].address';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkMembersFieldEvent {
        field: '$.link.members[]';
        index: number;
        value: string;
    }
    interface DecisionLinkStateHashFieldEvent {
        field: '$.link.stateHash';
        value: Uint8Array;
    }
    interface DecisionLinkBeaconFieldEvent {
        field: '$.link.beacon';
        value: Uint8Array;
    }
    interface DecisionLinkCompletedRoundsFieldEvent {
        field: '$.link.completedRounds';
        value: number;
    }
    interface DecisionLinkWeightSumFieldEvent {
        field: '$.link.weightSum';
        value: number;
    }
    interface DecisionLinkMeanLossFieldEvent {
        field: '$.link.meanLoss';
        value: number;
    }
    interface DecisionLinkEpsilonSpentFieldEvent {
        field: '$.link.epsilonSpent';
        value: number;
    }
    interface DecisionLinkExpulsionsPeerFieldEvent {
        field: '$.link.expulsions[].peer';
        value: string;
        index: number;
    }
    interface DecisionLinkExpulsionsKindFieldEvent {
        field: '$.link.expulsions[].kind';
        value: string;
        index: number;
    }
    interface DecisionLinkExpulsionsEvidenceHashFieldEvent {
        field: '$.link.expulsions[].evidenceHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkReasonFieldEvent {
        field: '$.link.reason';
        value: string;
    }
    interface DecisionLinkChildrenFieldEvent {
        field: '$.link.children[]';
        index: number;
        value: Uint8Array;
    }
    interface DecisionLinkNodeFieldEvent {
        field: '$.link.node';
        value: string;
    }
    interface DecisionLinkAdmissionsPeerFieldEvent {
        field: '$.link.admissions[].peer';
        value: string;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationRunFieldEvent {
        field: '$.link.admissions[].redemption.invitation.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationIdFieldEvent {
        field: '$.link.admissions[].redemption.invitation.id';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationExpiresAtSFieldEvent {
        field: '$.link.admissions[].redemption.invitation.expiresAtS';
        value: number;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationUsesFieldEvent {
        field: '$.link.admissions[].redemption.invitation.uses';
        value: number;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationLabelFieldEvent {
        field: '$.link.admissions[].redemption.invitation.label';
        value: string;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionInvitationSignatureFieldEvent {
        field: '$.link.admissions[].redemption.invitation.signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkAdmissionsRedemptionProofFieldEvent {
        field: '$.link.admissions[].redemption.proof';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersTypeFieldEvent {
        field: '$.link.orders[].type';
        value: string;
        index: number;
    }
    interface DecisionLinkOrdersContextVersionFieldEvent {
        field: '$.link.orders[].context.version';
        value: string;
        index: number;
    }
    interface DecisionLinkOrdersContextRunFieldEvent {
        field: '$.link.orders[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersContextPreviousLinkFieldEvent {
        field: '$.link.orders[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersContextRoundFieldEvent {
        field: '$.link.orders[].context.round';
        value: number;
        index: number;
    }
    interface DecisionLinkOrdersContextAttemptFieldEvent {
        field: '$.link.orders[].context.attempt';
        value: number;
        index: number;
    }
    interface DecisionLinkOrdersContextRosterHashFieldEvent {
        field: '$.link.orders[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersContextBaseModelFieldEvent {
        field: '$.link.orders[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersContextEncodingHashFieldEvent {
        field: '$.link.orders[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersContextCohortFieldEvent {
        field: '$.link.orders[].context.cohort';
        value: string;
        index: number;
    }
    interface DecisionLinkOrdersPayloadFieldEvent {
        field: '$.link.orders[].payload';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersSenderFieldEvent {
        field: '$.link.orders[].sender';
        value: Uint8Array;
        index: number;
    }
    interface DecisionLinkOrdersSignatureFieldEvent {
        field: '$.link.orders[].signature';
        value: Uint8Array;
        index: number;
    }
    interface DecisionCohortSumKindFieldEvent {
        field: '$.cohortSum.kind';
        value: string;
    }
    interface DecisionCohortSumRosterHashFieldEvent {
        field: '$.cohortSum.rosterHash';
        value: Uint8Array;
    }
    interface DecisionCohortSumSurvivorsPeerFieldEvent {
        field: '$.cohortSum.survivors[].peer';
        value: string;
        index: number;
    }
    interface DecisionCohortSumSurvivorsAddressFieldEvent {
        field: '$.cohortSum.survivors[].address';
        value: Uint8Array;
        index: number;
    }
    interface DecisionCohortSumAddressFieldEvent {
        field: '$.cohortSum.address';
        value: Uint8Array;
    }
    interface DecisionCohortSumLengthFieldEvent {
        field: '$.cohortSum.length';
        value: number;
    }
    interface DecisionCohortSumBeaconFieldEvent {
        field: '$.cohortSum.beacon';
        value: Uint8Array;
    }
    interface DecisionCohortSumChildrenFieldEvent {
        field: '$.cohortSum.children[]';
        index: number;
        value: Uint8Array;
    }
    function encode(obj: Partial<Decision>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Decision>): Decision;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Decision>): Generator<DecisionRosterProposerFieldEvent | DecisionRosterAdvertisedTypeFieldEvent | DecisionRosterAdvertisedContextVersionFieldEvent | DecisionRosterAdvertisedContextRunFieldEvent | DecisionRosterAdvertisedContextPreviousLinkFieldEvent | DecisionRosterAdvertisedContextRoundFieldEvent | DecisionRosterAdvertisedContextAttemptFieldEvent | DecisionRosterAdvertisedContextRosterHashFieldEvent | DecisionRosterAdvertisedContextBaseModelFieldEvent | DecisionRosterAdvertisedContextEncodingHashFieldEvent | DecisionRosterAdvertisedContextCohortFieldEvent | DecisionRosterAdvertisedPayloadFieldEvent | DecisionRosterAdvertisedSenderFieldEvent | DecisionRosterAdvertisedSignatureFieldEvent | DecisionSharesProposerFieldEvent | DecisionSharesDealersIndexFieldEvent | DecisionSharesDealersHashFieldEvent | DecisionSurvivorsProposerFieldEvent | DecisionSurvivorsInventoriesTypeFieldEvent | DecisionSurvivorsInventoriesContextVersionFieldEvent | DecisionSurvivorsInventoriesContextRunFieldEvent | DecisionSurvivorsInventoriesContextPreviousLinkFieldEvent | DecisionSurvivorsInventoriesContextRoundFieldEvent | DecisionSurvivorsInventoriesContextAttemptFieldEvent | DecisionSurvivorsInventoriesContextRosterHashFieldEvent | DecisionSurvivorsInventoriesContextBaseModelFieldEvent | DecisionSurvivorsInventoriesContextEncodingHashFieldEvent | DecisionSurvivorsInventoriesContextCohortFieldEvent | DecisionSurvivorsInventoriesPayloadFieldEvent | DecisionSurvivorsInventoriesSenderFieldEvent | DecisionSurvivorsInventoriesSignatureFieldEvent | DecisionSurvivorsHeadersTypeFieldEvent | DecisionSurvivorsHeadersContextVersionFieldEvent | DecisionSurvivorsHeadersContextRunFieldEvent | DecisionSurvivorsHeadersContextPreviousLinkFieldEvent | DecisionSurvivorsHeadersContextRoundFieldEvent | DecisionSurvivorsHeadersContextAttemptFieldEvent | DecisionSurvivorsHeadersContextRosterHashFieldEvent | DecisionSurvivorsHeadersContextBaseModelFieldEvent | DecisionSurvivorsHeadersContextEncodingHashFieldEvent | DecisionSurvivorsHeadersContextCohortFieldEvent | DecisionSurvivorsHeadersPayloadFieldEvent | DecisionSurvivorsHeadersSenderFieldEvent | DecisionSurvivorsHeadersSignatureFieldEvent | DecisionSurvivorsNextMembersFieldEvent | DecisionSurvivorsRegistrationsTypeFieldEvent | DecisionSurvivorsRegistrationsContextVersionFieldEvent | DecisionSurvivorsRegistrationsContextRunFieldEvent | DecisionSurvivorsRegistrationsContextPreviousLinkFieldEvent | DecisionSurvivorsRegistrationsContextRoundFieldEvent | DecisionSurvivorsRegistrationsContextAttemptFieldEvent | DecisionSurvivorsRegistrationsContextRosterHashFieldEvent | DecisionSurvivorsRegistrationsContextBaseModelFieldEvent | DecisionSurvivorsRegistrationsContextEncodingHashFieldEvent | DecisionSurvivorsRegistrationsContextCohortFieldEvent | DecisionSurvivorsRegistrationsPayloadFieldEvent | DecisionSurvivorsRegistrationsSenderFieldEvent | DecisionSurvivorsRegistrationsSignatureFieldEvent | DecisionSurvivorsExpulsionsPeerFieldEvent | DecisionSurvivorsExpulsionsKindFieldEvent | DecisionSurvivorsExpulsionsEvidenceHashFieldEvent | DecisionSurvivorsOrdersTypeFieldEvent | DecisionSurvivorsOrdersContextVersionFieldEvent | DecisionSurvivorsOrdersContextRunFieldEvent | DecisionSurvivorsOrdersContextPreviousLinkFieldEvent | DecisionSurvivorsOrdersContextRoundFieldEvent | DecisionSurvivorsOrdersContextAttemptFieldEvent | DecisionSurvivorsOrdersContextRosterHashFieldEvent | DecisionSurvivorsOrdersContextBaseModelFieldEvent | DecisionSurvivorsOrdersContextEncodingHashFieldEvent | DecisionSurvivorsOrdersContextCohortFieldEvent | DecisionSurvivorsOrdersPayloadFieldEvent | DecisionSurvivorsOrdersSenderFieldEvent | DecisionSurvivorsOrdersSignatureFieldEvent | DecisionLinkHeightFieldEvent | DecisionLinkKindFieldEvent | DecisionLinkRunFieldEvent | DecisionLinkPreviousFieldEvent | DecisionLinkRoundFieldEvent | DecisionLinkAttemptFieldEvent | DecisionLinkCohortFieldEvent | DecisionLinkRosterHashFieldEvent | DecisionLinkEncodingHashFieldEvent | DecisionLinkSurvivorsPeerFieldEvent | DecisionLinkSurvivorsAddressFieldEvent | DecisionLinkMembersFieldEvent | DecisionLinkStateHashFieldEvent | DecisionLinkBeaconFieldEvent | DecisionLinkCompletedRoundsFieldEvent | DecisionLinkWeightSumFieldEvent | DecisionLinkMeanLossFieldEvent | DecisionLinkEpsilonSpentFieldEvent | DecisionLinkExpulsionsPeerFieldEvent | DecisionLinkExpulsionsKindFieldEvent | DecisionLinkExpulsionsEvidenceHashFieldEvent | DecisionLinkReasonFieldEvent | DecisionLinkChildrenFieldEvent | DecisionLinkNodeFieldEvent | DecisionLinkAdmissionsPeerFieldEvent | DecisionLinkAdmissionsRedemptionInvitationRunFieldEvent | DecisionLinkAdmissionsRedemptionInvitationIdFieldEvent | DecisionLinkAdmissionsRedemptionInvitationExpiresAtSFieldEvent | DecisionLinkAdmissionsRedemptionInvitationUsesFieldEvent | DecisionLinkAdmissionsRedemptionInvitationLabelFieldEvent | DecisionLinkAdmissionsRedemptionInvitationSignatureFieldEvent | DecisionLinkAdmissionsRedemptionProofFieldEvent | DecisionLinkOrdersTypeFieldEvent | DecisionLinkOrdersContextVersionFieldEvent | DecisionLinkOrdersContextRunFieldEvent | DecisionLinkOrdersContextPreviousLinkFieldEvent | DecisionLinkOrdersContextRoundFieldEvent | DecisionLinkOrdersContextAttemptFieldEvent | DecisionLinkOrdersContextRosterHashFieldEvent | DecisionLinkOrdersContextBaseModelFieldEvent | DecisionLinkOrdersContextEncodingHashFieldEvent | DecisionLinkOrdersContextCohortFieldEvent | DecisionLinkOrdersPayloadFieldEvent | DecisionLinkOrdersSenderFieldEvent | DecisionLinkOrdersSignatureFieldEvent | DecisionCohortSumKindFieldEvent | DecisionCohortSumRosterHashFieldEvent | DecisionCohortSumSurvivorsPeerFieldEvent | DecisionCohortSumSurvivorsAddressFieldEvent | DecisionCohortSumAddressFieldEvent | DecisionCohortSumLengthFieldEvent | DecisionCohortSumBeaconFieldEvent | DecisionCohortSumChildrenFieldEvent>;
}
export interface StandDown {
    locked: Uint8Array;
}
export declare namespace StandDown {
    const codec: () => Codec<StandDown>;
    interface StandDownLockedFieldEvent {
        field: '$.locked';
        value: Uint8Array;
    }
    function encode(obj: Partial<StandDown>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandDown>): StandDown;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandDown>): Generator<StandDownLockedFieldEvent>;
}
export interface CertifiedLink {
    decision: Uint8Array;
    certificate?: Certificate;
    standDowns: Envelope[];
}
export declare namespace CertifiedLink {
    const codec: () => Codec<CertifiedLink>;
    interface CertifiedLinkDecisionFieldEvent {
        field: '$.decision';
        value: Uint8Array;
    }
    interface CertifiedLinkCertificateKindFieldEvent {
        field: '$.certificate.kind';
        value: string;
    }
    interface CertifiedLinkCertificateSubjectFieldEvent {
        field: '$.certificate.subject';
        value: string;
    }
    interface CertifiedLinkCertificateViewFieldEvent {
        field: '$.certificate.view';
        value: number;
    }
    interface CertifiedLinkCertificateValueHashFieldEvent {
        field: '$.certificate.valueHash';
        value: Uint8Array;
    }
    interface CertifiedLinkCertificateSignaturesIndexFieldEvent {
        field: '$.certificate.signatures[].index';
        value: number;
        index: number;
    }
    interface CertifiedLinkCertificateSignaturesSignatureFieldEvent {
        field: '$.certificate.signatures[].signature';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsTypeFieldEvent {
        field: '$.standDowns[].type';
        value: string;
        index: number;
    }
    interface CertifiedLinkStandDownsContextVersionFieldEvent {
        field: '$.standDowns[].context.version';
        value: string;
        index: number;
    }
    interface CertifiedLinkStandDownsContextRunFieldEvent {
        field: '$.standDowns[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsContextPreviousLinkFieldEvent {
        field: '$.standDowns[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsContextRoundFieldEvent {
        field: '$.standDowns[].context.round';
        value: number;
        index: number;
    }
    interface CertifiedLinkStandDownsContextAttemptFieldEvent {
        field: '$.standDowns[].context.attempt';
        value: number;
        index: number;
    }
    interface CertifiedLinkStandDownsContextRosterHashFieldEvent {
        field: '$.standDowns[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsContextBaseModelFieldEvent {
        field: '$.standDowns[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsContextEncodingHashFieldEvent {
        field: '$.standDowns[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsContextCohortFieldEvent {
        field: '$.standDowns[].context.cohort';
        value: string;
        index: number;
    }
    interface CertifiedLinkStandDownsPayloadFieldEvent {
        field: '$.standDowns[].payload';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsSenderFieldEvent {
        field: '$.standDowns[].sender';
        value: Uint8Array;
        index: number;
    }
    interface CertifiedLinkStandDownsSignatureFieldEvent {
        field: '$.standDowns[].signature';
        value: Uint8Array;
        index: number;
    }
    function encode(obj: Partial<CertifiedLink>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CertifiedLink>): CertifiedLink;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CertifiedLink>): Generator<CertifiedLinkDecisionFieldEvent | CertifiedLinkCertificateKindFieldEvent | CertifiedLinkCertificateSubjectFieldEvent | CertifiedLinkCertificateViewFieldEvent | CertifiedLinkCertificateValueHashFieldEvent | CertifiedLinkCertificateSignaturesIndexFieldEvent | CertifiedLinkCertificateSignaturesSignatureFieldEvent | CertifiedLinkStandDownsTypeFieldEvent | CertifiedLinkStandDownsContextVersionFieldEvent | CertifiedLinkStandDownsContextRunFieldEvent | CertifiedLinkStandDownsContextPreviousLinkFieldEvent | CertifiedLinkStandDownsContextRoundFieldEvent | CertifiedLinkStandDownsContextAttemptFieldEvent | CertifiedLinkStandDownsContextRosterHashFieldEvent | CertifiedLinkStandDownsContextBaseModelFieldEvent | CertifiedLinkStandDownsContextEncodingHashFieldEvent | CertifiedLinkStandDownsContextCohortFieldEvent | CertifiedLinkStandDownsPayloadFieldEvent | CertifiedLinkStandDownsSenderFieldEvent | CertifiedLinkStandDownsSignatureFieldEvent>;
}
export interface Expulsion {
    peer: string;
    kind: string;
    evidenceHash: Uint8Array;
}
export declare namespace Expulsion {
    const codec: () => Codec<Expulsion>;
    interface ExpulsionPeerFieldEvent {
        field: '$.peer';
        value: string;
    }
    interface ExpulsionKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface ExpulsionEvidenceHashFieldEvent {
        field: '$.evidenceHash';
        value: Uint8Array;
    }
    function encode(obj: Partial<Expulsion>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Expulsion>): Expulsion;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Expulsion>): Generator<ExpulsionPeerFieldEvent | ExpulsionKindFieldEvent | ExpulsionEvidenceHashFieldEvent>;
}
export interface RevealedShare {
    index: number;
    share: Uint8Array;
}
export declare namespace RevealedShare {
    const codec: () => Codec<RevealedShare>;
    interface RevealedShareIndexFieldEvent {
        field: '$.index';
        value: number;
    }
    interface RevealedShareShareFieldEvent {
        field: '$.share';
        value: Uint8Array;
    }
    function encode(obj: Partial<RevealedShare>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RevealedShare>): RevealedShare;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RevealedShare>): Generator<RevealedShareIndexFieldEvent | RevealedShareShareFieldEvent>;
}
export interface Evidence {
    kind: string;
    messages: Envelope[];
    roster: Uint8Array;
    shares: Uint8Array;
    secret: string;
    revealed: RevealedShare[];
    decision: Uint8Array;
    link: Uint8Array;
}
export declare namespace Evidence {
    const codec: () => Codec<Evidence>;
    interface EvidenceKindFieldEvent {
        field: '$.kind';
        value: string;
    }
    interface EvidenceMessagesTypeFieldEvent {
        field: '$.messages[].type';
        value: string;
        index: number;
    }
    interface EvidenceMessagesContextVersionFieldEvent {
        field: '$.messages[].context.version';
        value: string;
        index: number;
    }
    interface EvidenceMessagesContextRunFieldEvent {
        field: '$.messages[].context.run';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesContextPreviousLinkFieldEvent {
        field: '$.messages[].context.previousLink';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesContextRoundFieldEvent {
        field: '$.messages[].context.round';
        value: number;
        index: number;
    }
    interface EvidenceMessagesContextAttemptFieldEvent {
        field: '$.messages[].context.attempt';
        value: number;
        index: number;
    }
    interface EvidenceMessagesContextRosterHashFieldEvent {
        field: '$.messages[].context.rosterHash';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesContextBaseModelFieldEvent {
        field: '$.messages[].context.baseModel';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesContextEncodingHashFieldEvent {
        field: '$.messages[].context.encodingHash';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesContextCohortFieldEvent {
        field: '$.messages[].context.cohort';
        value: string;
        index: number;
    }
    interface EvidenceMessagesPayloadFieldEvent {
        field: '$.messages[].payload';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesSenderFieldEvent {
        field: '$.messages[].sender';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceMessagesSignatureFieldEvent {
        field: '$.messages[].signature';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceRosterFieldEvent {
        field: '$.roster';
        value: Uint8Array;
    }
    interface EvidenceSharesFieldEvent {
        field: '$.shares';
        value: Uint8Array;
    }
    interface EvidenceSecretFieldEvent {
        field: '$.secret';
        value: string;
    }
    interface EvidenceRevealedIndexFieldEvent {
        field: '$.revealed[].index';
        value: number;
        index: number;
    }
    interface EvidenceRevealedShareFieldEvent {
        field: '$.revealed[].share';
        value: Uint8Array;
        index: number;
    }
    interface EvidenceDecisionFieldEvent {
        field: '$.decision';
        value: Uint8Array;
    }
    interface EvidenceLinkFieldEvent {
        field: '$.link';
        value: Uint8Array;
    }
    function encode(obj: Partial<Evidence>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Evidence>): Evidence;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Evidence>): Generator<EvidenceKindFieldEvent | EvidenceMessagesTypeFieldEvent | EvidenceMessagesContextVersionFieldEvent | EvidenceMessagesContextRunFieldEvent | EvidenceMessagesContextPreviousLinkFieldEvent | EvidenceMessagesContextRoundFieldEvent | EvidenceMessagesContextAttemptFieldEvent | EvidenceMessagesContextRosterHashFieldEvent | EvidenceMessagesContextBaseModelFieldEvent | EvidenceMessagesContextEncodingHashFieldEvent | EvidenceMessagesContextCohortFieldEvent | EvidenceMessagesPayloadFieldEvent | EvidenceMessagesSenderFieldEvent | EvidenceMessagesSignatureFieldEvent | EvidenceRosterFieldEvent | EvidenceSharesFieldEvent | EvidenceSecretFieldEvent | EvidenceRevealedIndexFieldEvent | EvidenceRevealedShareFieldEvent | EvidenceDecisionFieldEvent | EvidenceLinkFieldEvent>;
}
export interface ChainRequest {
    run: Uint8Array;
    fromHeight: number;
}
export declare namespace ChainRequest {
    const codec: () => Codec<ChainRequest>;
    interface ChainRequestRunFieldEvent {
        field: '$.run';
        value: Uint8Array;
    }
    interface ChainRequestFromHeightFieldEvent {
        field: '$.fromHeight';
        value: number;
    }
    function encode(obj: Partial<ChainRequest>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChainRequest>): ChainRequest;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChainRequest>): Generator<ChainRequestRunFieldEvent | ChainRequestFromHeightFieldEvent>;
}
export interface TranscriptRequest {
    run: Uint8Array;
    round: number;
    attempt: number;
    cohort?: string;
}
export declare namespace TranscriptRequest {
    const codec: () => Codec<TranscriptRequest>;
    interface TranscriptRequestRunFieldEvent {
        field: '$.run';
        value: Uint8Array;
    }
    interface TranscriptRequestRoundFieldEvent {
        field: '$.round';
        value: number;
    }
    interface TranscriptRequestAttemptFieldEvent {
        field: '$.attempt';
        value: number;
    }
    interface TranscriptRequestCohortFieldEvent {
        field: '$.cohort';
        value: string;
    }
    function encode(obj: Partial<TranscriptRequest>): Uint8Array;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TranscriptRequest>): TranscriptRequest;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TranscriptRequest>): Generator<TranscriptRequestRunFieldEvent | TranscriptRequestRoundFieldEvent | TranscriptRequestAttemptFieldEvent | TranscriptRequestCohortFieldEvent>;
}
